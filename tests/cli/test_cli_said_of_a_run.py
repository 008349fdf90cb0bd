"""What verbs print of a stored run: every line, unit and default, and what each option changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from synthetic_run import BASELINE, FAILED, MEASURED, make_failed, make_result, make_run
from typer.testing import CliRunner, Result

from wattmark.cli import impact as impact_verb
from wattmark.cli.advise import parse_share
from wattmark.cli.main import app
from wattmark.errors import ImpactError, RatingError
from wattmark.quantities import Quantity, Reason
from wattmark.records import Run
from wattmark.workflows import kinds, runs

DYNAMIC, LEAN, STATIC = (
    "pytorch/eager/int8-dynamic",
    "openvino/cpu/fp32",
    "openvino/cpu/int8-static",
)
RESULTS = [make_result(s, *MEASURED[s]) for s in (BASELINE, DYNAMIC, LEAN, STATIC)]
RUN = make_run([*RESULTS, make_failed(FAILED)])
Use = Callable[[Run], None]


@pytest.fixture(autouse=True)
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes a run the one that every name finds; at first, :data:`RUN`."""

    def found(run: Run) -> None:
        monkeypatch.setattr(runs, "load", lambda name="latest": run)
        monkeypatch.setattr(kinds, "load", lambda name="latest": run)

    found(RUN)
    return found


def wattmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(*arguments: object) -> list[str]:
    done = wattmark(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return [line.rstrip() for line in done.stdout.splitlines()]


# advise

EFFECTS = [
    "",
    "Lower precision against FP32 of the same framework:",
    f"{DYNAMIC}: times FP32: energy 0.690 [0.669, 0.711], latency 0.690 [0.676, 0.704], "
    "quality 0.9952 [0.9863, 1.0042], size 1.00",
    f"{STATIC}: times FP32: energy 0.621 [0.542, 0.710], latency 0.612 [0.588, 0.637], "
    "quality 0.9846 [0.9757, 0.9934], size 1.00",
    f"{DYNAMIC} over batches: measured at batch 1 only: saves",
    f"{STATIC} over batches: measured at batch 1 only: saves",
]


@pytest.mark.parametrize("options", [[], ["--min-energy"], ["--max-accuracy-loss", "0.01"]])
def test_advice_is_to_the_least_energy_unless_something_else_is_said(options: list[str]) -> None:
    assert lines("advise", *options) == [
        "text-classification, minilm-l6-sentiment, goal min-energy",
        f"Use {LEAN}: energy 0.580 [0.563, 0.597] of the baseline {BASELINE}",
        f"Not considered: {STATIC} (loses 1.5 % of the baseline's accuracy)",
        f"Not considered: {FAILED} (failed in warm-up: killed)",
        *EFFECTS,
    ]


def test_advice_to_the_least_latency_with_a_larger_loss() -> None:
    assert lines("advise", "latest", "--min-latency", "--max-accuracy-loss", "2%")[:3] == [
        "text-classification, minilm-l6-sentiment, goal min-latency",
        f"Use {STATIC}: latency 0.3509 [0.3439, 0.3579] of the baseline {BASELINE}",
        f"Not considered: {FAILED} (failed in warm-up: killed)",
    ]
    both = wattmark("advise", "--min-energy", "--min-latency")
    assert both.exit_code == 2 and "not both" in both.stderr


def test_advice_says_what_cannot_be_told_apart_costs_or_was_not_asked(use: Use) -> None:
    near = make_result("jax/jit/fp32", 9.8, 0.6, 842)
    dear = make_result("jax/jit/bf16", 9.8, 1.2, 842)
    without = dear.model_copy(update={"quality": None, "preparation": None})
    run = make_run([RESULTS[0], RESULTS[2], near, without])
    asked = make_run([], plan=run.plan.model_copy(update={"cost_only": True}))
    use(run.model_copy(update={"plan": asked.plan}))
    said = lines("advise")
    assert said[0].endswith("goal min-energy; its quality was not asked")
    assert said[2] == "These data do not tell it apart from jax/jit/fp32."
    assert (
        "jax/jit/bf16: times FP32: energy 2.00 [1.75, 2.29], latency 1.000 [0.961, 1.041]"
        " - COSTS energy here" in said
    )


def test_advice_where_no_setup_qualifies(use: Use) -> None:
    use(make_run([make_failed(BASELINE)]))
    assert lines("advise") == [
        "text-classification, minilm-l6-sentiment, goal min-energy",
        "No setup of this run qualifies.",
        f"Not considered: {BASELINE} (failed in warm-up: killed)",
    ]


def test_a_share_is_written_in_percent_or_as_a_number() -> None:
    assert [parse_share(text) for text in ("1%", " 1 % ", "0.01", "0", "99%")] == [
        0.01,
        0.01,
        0.01,
        0.0,
        0.99,
    ]
    for wrong in ("100%", "1", "-1%", "half"):
        assert "is not a share" in wattmark("advise", f"--max-accuracy-loss={wrong}").stderr


# pareto


def test_the_front_of_quality_against_energy() -> None:
    said = [" ".join(line.split()) for line in lines("pareto", "--reference", "0.2,50")]
    assert said == [
        "text-classification: minilm-l6-sentiment",
        "Setup Energy Among these setups accuracy Energy per correct Standing",
        f"{LEAN} 0.12 [0.05, 0.29] J/query "
        "0.116 [0.105, 0.128] J/query 84.2 [81.8, 86.4] % 0.14 [0.06, 0.34] J/correct "
        "on the front",
        f"{DYNAMIC} 0.14 [0.06, 0.34] J/query "
        "0.138 [0.125, 0.152] J/query 83.8 [81.4, 86.0] % 0.16 [0.07, 0.41] "
        f"J/correct may be on the front ({LEAN} is ahead)",
        f"{BASELINE} 0.20 [0.08, 0.50] J/query "
        "0.200 [0.182, 0.220] J/query 84.2 [81.8, 86.4] % 0.24 [0.10, 0.59] J/correct "
        f"may be on the front ({LEAN} is ahead)",
        f"Not placed: {STATIC} (it misses the quality gate)",
        f"Not placed: {FAILED} (the trial failed)",
        "Hypervolume to 0.2, 50: 2.873 J/query x %",
    ]


def test_the_front_against_latency_and_money() -> None:
    latency = lines("pareto", "--cost", "latency")
    assert latency[1].split()[:2] == ["Setup", "Latency"]
    assert "9.80 [9.60, 10.00] ms" in latency[2]
    money = lines("pareto", "--cost", "money", "--price", "0.25EUR/kWh")
    assert "Money per 1 000 queries" in money[1]
    assert "8.1e−6 [3.2e−6, 2.01e−5] EUR  8.06e−6 [7.32e−6, 8.86e−6] EUR" in money[2]
    assert "1.39e−5 [1.26e−5, 1.53e−5] EUR" in money[4]
    rented = lines("pareto", "--cost", "money", "--instance-price", "3.6USD/h")
    assert "USD" in rented[2] and "EUR" not in rented[2]


def test_a_setup_that_is_surely_worse_is_said_to_be(use: Use) -> None:
    use(make_run([RESULTS[0], make_result("jax/jit/fp32", 9.8, 0.2, 950)]))
    assert lines("pareto")[3].endswith("surely dominated by jax/jit/fp32")
    other = make_result("jax/jit/fp32", 9.8, 0.2, 950).model_copy(update={"energy": ()})
    use(make_run([RESULTS[0], other]))
    assert "—" in next(line for line in lines("pareto", "--cost", "latency") if "jax" in line)


@pytest.mark.parametrize(
    "options",
    [
        ["--cost", "money"],
        ["--cost", "money", "--price", "1EUR/kWh", "--instance-price", "1EUR/h"],
        ["--price", "1EUR/kWh"],
        ["--cost", "latency", "--instance-price", "1EUR/h"],
        ["--cost", "time"],
        ["--reference", "1"],
        ["--reference", "1,a"],
        ["--reference", "1,2,3"],
    ],
    ids=" ".join,
)
def test_a_front_that_cannot_be_drawn_is_refused(options: list[str]) -> None:
    assert wattmark("pareto", *options).exit_code == 2


def test_a_front_of_nothing_is_an_error_and_a_plot_is_named(use: Use, tmp_path: Path) -> None:
    plot = tmp_path / "front.svg"
    assert wattmark("pareto", "--plot", plot).stderr == f"Plot: {plot}\n"
    assert plot.read_text().startswith("<svg")
    use(make_run([make_failed(BASELINE)]))
    error = wattmark("pareto").exception
    assert isinstance(error, RatingError)
    assert str(error).endswith("has no setup with both energy and quality")


# impact and lifetime


def test_an_impact_has_a_column_a_basis_and_says_how_sure_it_is() -> None:
    done = wattmark("impact", "--region", "FR", "--volume", "1000/day", "--pue", "1")
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert said[:5] == [
        f"{BASELINE} in France",
        "per query per 1 000 queries per year",
        "Energy of the machines 56 [22, 139] uWh 56 [22, 139] mWh 20 [8, 51] Wh",
        "Energy of the facility 56 [22, 139] uWh 56 [22, 139] mWh 20 [8, 51] Wh",
        "CO2e of electricity, location-based 2.3 [0.9, 7.8] ug 2.3 [0.9, 7.8] mg "
        "800 [300, 2800] mg",
    ]
    assert done.stderr == (
        "Ranges are at 95% for what was measured, and hold if each factor lies within its own "
        "(--explain).\n"
    )


def test_an_impact_of_a_bare_energy_has_one_basis_and_no_level() -> None:
    done = wattmark("impact", "1kWh", "--region", "FR")
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert said[:3] == ["energy given in France", "energy given", "Energy of the machines 1 kWh"]
    assert done.stderr == "Ranges hold if each factor lies within its own (--explain).\n"


def test_places_are_compared_per_query_for_each_setup() -> None:
    said = lines("impact", "--compare", "FR,SE", "--setup", "all")
    assert [line for line in said if ", per query" in line] == [
        f"{setup}, per query" for setup in (BASELINE, DYNAMIC, LEAN, STATIC)
    ]
    assert [line.split()[0] for line in said[1:4]] == ["Place", "Sweden", "France"]
    assert lines("impact", "1kWh", "--compare", "FR")[0] == "energy given"


def test_an_impact_as_a_document_says_the_unit_of_each_figure() -> None:
    done = wattmark("impact", "--region", "FR", "--setup", LEAN, "--pue", "1", "--json")
    assert done.stderr == ""
    found = json.loads(done.stdout)["impacts"][f"{LEAN} in France"]["lines"]
    energy = found[0]["bases"]["per query"]
    assert found[0]["key"] == "energy_it"
    joules = 0.2 * 0.58
    assert (energy["value"], energy["unit"]) == (pytest.approx(joules / 3600), "Wh")


def test_what_is_told_while_places_are_looked_up_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wattmark.workflows import placing

    placed = placing.place
    asked: list[tuple[tuple[str, ...], bool]] = []

    def place(site: Any, *, gpus: tuple[str, ...], now: bool) -> tuple[Any, list[str]]:
        asked.append((gpus, now))
        return placed(site, gpus=gpus, now=False)[0], ["nothing answered"]

    monkeypatch.setattr(placing, "place", place)
    done = wattmark("impact", "--region", "FR", "--at", "now")
    assert done.stderr.startswith("nothing answered\n")
    wattmark("impact", "1kWh", "--region", "FR")
    assert asked == [(RUN.environment.gpus, True), ((), False)]


def test_a_closed_models_reply() -> None:
    line = ["impact", "--api-model", "gpt-4o", "--output-tokens", "400", "--region", "FR"]
    said = [" ".join(text.split()) for text in lines(*line, "--volume", "1000/day")]
    assert said[:3] == [
        "openai/gpt-4o, a reply of 400 tokens",
        "per query per year",
        "Energy of the facility 770 [580, 960] mWh 282 [211, 352] kWh",
    ]
    assert said[-1].startswith("Note: ")
    assert lines(*line)[1].split() == ["per", "query"]
    document = json.loads(wattmark(*line, "--json").stdout)
    assert (document["provider"], document["model"]) == ("openai", "gpt-4o")
    assert document["output_tokens"] == 400 and document["warnings"]
    assert document["impacts"]["Energy of the facility"]["unit"].endswith("Wh/query")
    elsewhere = json.loads(wattmark(*line[:-1], "PL", "--json").stdout)["impacts"]["CO2e"]
    assert elsewhere["value"] > 2 * document["impacts"]["CO2e"]["value"]
    assert wattmark("impact", "--api-model", "gpt-4o").exit_code == 2


TRAINING = "hardware: {hours: 100, devices: 8, power_w: 500}\n"


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "training.yaml"
    path.write_text(TRAINING)
    return path


def table(*arguments: object) -> dict[str, str]:
    """The rows of two columns, by their title."""
    rows = [line.split("  ", 1) for line in lines(*arguments) if line.strip()]
    return {title.strip(): value.strip().replace("\u202f", " ") for title, value in rows}


def test_a_life_is_a_year_in_a_building_that_adds_nothing(training: Path) -> None:
    line = ["lifetime", "--training", training, "--inference", "0.5Wh", "--volume", "1e4/day"]
    assert table(*line) == {
        "Training (training, modelled)": "400 kWh",
        "Inference, a query": "500 mWh/query",
        "Queries over the life": "3 650 000 query",
        "Inference, all": "1.825 MWh",
        "Total": "2.225 MWh",
        "Share of training": "17.98 %",
        "Inference has taken what training took after": "800 000 query",
    }
    more = table(*line, "--years", "2", "--pue", "1.5", "--old", "1Wh")
    assert more["Inference, a query"] == "750 mWh/query"
    assert more["Queries over the life"] == "7 300 000 query"
    assert more["Inference, all"] == "5.475 MWh"
    assert more["The old model, a query"] == "1.5 Wh/query"
    assert more["Training pays against the old model after"] == "533 300 query"


def test_a_life_takes_the_setup_that_is_named(training: Path) -> None:
    line = ["lifetime", "--training", training, "--inference", "latest", "--volume", "1/day"]
    assert table(*line)["Inference, a query"].startswith("56 ")
    assert table(*line, "--setup", LEAN)["Inference, a query"].startswith("32 ")


@pytest.mark.parametrize("years", ["0", "-1"])
def test_a_life_of_no_time_is_refused(training: Path, years: str) -> None:
    line = ["--training", training, "--inference", "1Wh", "--volume", "1/day"]
    error = wattmark("lifetime", *line, f"--years={years}").exception
    assert isinstance(error, ImpactError) and "not greater than zero" in str(error)
    assert wattmark("lifetime", *line, "--years", "0.5").exit_code == 0


def test_a_life_is_drawn_and_where_nothing_is_known_it_is_not(
    training: Path, tmp_path: Path, use: Use
) -> None:
    plot = tmp_path / "life.svg"
    line = ["--training", training, "--inference", "latest", "--volume", "1/day", "--plot", plot]
    assert wattmark("lifetime", *line).stderr == f"Plot: {plot}\n"
    plot.unlink()
    use(make_run([make_result(BASELINE, *MEASURED[BASELINE], energy=False)]))
    error = wattmark("lifetime", *line).exception
    assert isinstance(error, ImpactError) and "nothing to draw" in str(error)
    assert not plot.exists()


def test_what_was_used_is_by_a_run_or_as_given() -> None:
    (given,) = impact_verb.used("1kWh", None)
    assert (given.energy_it.to("kWh").value, given.per, given.gpus) == (1.0, "", ())
    (of_run,) = impact_verb.used("latest", None)
    assert (of_run.name, of_run.per) == (BASELINE, "query")
    assert of_run.energy_it == Quantity.between(
        0.2, 0.08, 0.5, "J/query", grade=of_run.energy_it.grade
    ).to(of_run.energy_it.unit)
    assert of_run.energy_it.reason is not Reason.NO_METER


# report, show, export, overview


def test_a_report_is_markdown_unless_another_format_is_said(tmp_path: Path) -> None:
    assert wattmark("report", "latest").stdout == kinds.report(RUN, "md").rstrip("\n") + "\n"
    assert wattmark("report", "latest", "--format", "json").stdout.rstrip("\n") == (
        kinds.report(RUN, "json").rstrip("\n")
    )
    out = tmp_path / "report.csv"
    done = wattmark("report", "latest", "--format", "csv", "--output", out)
    assert done.stdout == "" and out.read_bytes().decode() == kinds.report(RUN, "csv")


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_text_that_is_printed_ends_with_one_line_break(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(kinds, "report", lambda run, format_: f"a report{end}")
    assert wattmark("report", "latest").stdout == "a report\n"


def test_a_run_is_shown_as_its_document() -> None:
    assert wattmark("show", "latest", "--json").stdout == RUN.model_dump_json(indent=1) + "\n"
    shown = wattmark("show", "latest").stdout
    assert f"{FAILED} failed: failed in warm-up: killed" in shown
    assert "• Of the 3 setups" in shown


def test_a_card_is_shown_and_another_kind_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from wattmark import registry

    monkeypatch.setattr(registry, "card", lambda kind, name: f"card of {kind} {name}")
    assert wattmark("show", "task", "x").stdout == "card of task x\n"
    assert wattmark("show", "model", "y").stdout == "card of model y\n"
    other = wattmark("show", "meter", "z")
    assert other.exit_code == 2 and "has no cards" in other.stderr
    assert wattmark("show", "task").exit_code == 2


def test_an_export_takes_where_and_on_what_it_ran(tmp_path: Path) -> None:
    def exported(*options: object) -> dict[str, Any]:
        return {
            line.split(",")[3]: line
            for line in lines("export", "latest", "--format", "csv", *options)[1:]
        }

    plain = exported()
    assert all(f",{BASELINE},no place," in line for line in plain.values())
    assert "0.95,modelled" in plain["energy_it"]
    there = exported("--region", "FR", "--pue", "1", "--device", "h100", "--setup", LEAN)
    assert f",{LEAN},France," in there["energy_it"]
    assert there["energy_facility"].split(",")[5:8] == there["energy_it"].split(",")[5:8]
    assert "not_given" not in there["carbon_location"] + there["carbon_embodied"]
    site = tmp_path / "site.yaml"
    site.write_text("region: DE\n")
    assert "Germany" in exported("--site", site)["energy_it"]


def test_an_export_is_json_unless_another_format_is_said(tmp_path: Path, training: Path) -> None:
    done = wattmark("export")
    assert json.loads(done.stdout)
    assert "Left open: Cost of electricity: give --price\n" in done.stderr
    out = tmp_path / "out.json"
    written = wattmark("export", "-o", out)
    assert written.stdout == "" and out.read_text() == done.stdout.removesuffix("\n")
    act = ["export", "--format", "eu-ai-act-annex-xi"]
    assert lines(*act) != lines(*act, "--training", training)


def test_the_overview_is_of_the_runs_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = lines("overview", "latest")
    assert len(said) == 2 + 5
    assert "| 1000 | accuracy | 84.2" in said[2] and "ms | 0.20" in said[2]
    monkeypatch.setattr(runs, "finished", lambda: [make_run(RESULTS[:2])])
    assert len(lines("overview")) == 2 + 2
    monkeypatch.setattr(runs, "finished", list)
    none = wattmark("overview")
    assert (none.exit_code, none.stdout) == (1, "")
    assert none.stderr.startswith("no run is stored yet")
