"""The first schema of the board; its log refuses changes, by triggers.

Revision 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REFUSAL = "the audit log is append-only"


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "board_audit",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(140), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_board_audit"),
    )
    op.create_table(
        "board_editions",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("closes", sa.String(10), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=True),
        sa.Column("opened_at", sa.String(40), nullable=False),
        sa.Column("previous", sa.String(20), nullable=True),
        sa.Column("frozen_on", sa.String(10), nullable=True),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["previous"], ["board_editions.name"], name="fk_board_editions_previous"
        ),
        sa.PrimaryKeyConstraint("name", name="pk_board_editions"),
    )
    op.create_table(
        "board_maintainers",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("disabled_at", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_board_maintainers"),
    )
    op.create_table(
        "board_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_board_state"),
    )
    op.create_table(
        "board_tokens",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("secret_hash", sa.String(200), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=True),
        sa.Column("revoked_at", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_board_tokens"),
    )
    op.create_table(
        "board_bundles",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("submitted_at", sa.String(40), nullable=False),
        sa.Column("submitted_by", sa.String(120), nullable=False),
        sa.Column("token_id", sa.String(16), nullable=True),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("task", sa.String(120), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("results", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.String(40), nullable=True),
        sa.Column("decided_by", sa.String(120), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["token_id"], ["board_tokens.id"], name="fk_board_bundles_token_id"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_board_bundles"),
    )
    op.create_index("ix_board_bundles_run_id", "board_bundles", ["run_id"])
    op.create_index("ix_board_bundles_status", "board_bundles", ["status"])
    op.create_table(
        "board_sessions",
        sa.Column("id_sha256", sa.String(64), nullable=False),
        sa.Column("maintainer", sa.String(120), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["maintainer"], ["board_maintainers.name"], name="fk_board_sessions_maintainer"
        ),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_board_sessions"),
    )
    op.create_table(
        "board_results",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("measured_at", sa.String(40), nullable=False),
        sa.Column("task", sa.String(120), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("model_digest", sa.String(200), nullable=False),
        sa.Column("model_class", sa.String(40), nullable=False),
        sa.Column("setup", sa.String(300), nullable=False),
        sa.Column("framework", sa.String(120), nullable=False),
        sa.Column("precision", sa.String(120), nullable=False),
        sa.Column("hardware", sa.String(300), nullable=False),
        sa.Column("grade", sa.String(20), nullable=False),
        sa.Column("gate_passed", sa.Boolean(), nullable=True),
        sa.Column("quality_metric", sa.String(120), nullable=False),
        sa.Column("quality_text", sa.String(200), nullable=False),
        sa.Column("quality", sa.Double(), nullable=True),
        sa.Column("quality_low", sa.Double(), nullable=True),
        sa.Column("quality_high", sa.Double(), nullable=True),
        sa.Column("energy_wh", sa.Double(), nullable=True),
        sa.Column("energy_wh_low", sa.Double(), nullable=True),
        sa.Column("energy_wh_high", sa.Double(), nullable=True),
        sa.Column("energy_level", sa.Double(), nullable=True),
        sa.Column("energy_missing", sa.String(40), nullable=True),
        sa.Column("latency_p50_ms", sa.Double(), nullable=True),
        sa.Column("latency_p50_ms_low", sa.Double(), nullable=True),
        sa.Column("latency_p50_ms_high", sa.Double(), nullable=True),
        sa.Column("energy_per_correct_wh", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bundle"], ["board_bundles.digest"], name="fk_board_results_bundle"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_board_results"),
        sa.UniqueConstraint("sha256", name="uq_board_results_sha256"),
    )
    op.create_index("ix_board_results_bundle", "board_results", ["bundle"])
    op.create_index("ix_board_results_model", "board_results", ["model"])
    op.create_table(
        "board_standings",
        sa.Column("edition", sa.String(20), nullable=False),
        sa.Column("result_id", _NUMBER, nullable=False),
        sa.Column("task", sa.String(120), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("setup", sa.String(300), nullable=False),
        sa.Column("framework", sa.String(120), nullable=False),
        sa.Column("precision", sa.String(120), nullable=False),
        sa.Column("hardware", sa.String(300), nullable=False),
        sa.Column("grade", sa.String(20), nullable=False),
        sa.Column("population", sa.String(800), nullable=False),
        sa.Column("energy_order", sa.Double(), nullable=False),
        sa.Column("quality_order", sa.Double(), nullable=False),
        sa.Column("latency_order", sa.Double(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("distance_pct", sa.Double(), nullable=True),
        sa.Column("unrated_reason", sa.String(40), nullable=True),
        sa.ForeignKeyConstraint(
            ["edition"], ["board_editions.name"], name="fk_board_standings_edition"
        ),
        sa.ForeignKeyConstraint(
            ["result_id"], ["board_results.id"], name="fk_board_standings_result_id"
        ),
        sa.PrimaryKeyConstraint("edition", "result_id", name="pk_board_standings"),
        sa.UniqueConstraint(
            "edition",
            "task",
            "model",
            "setup",
            "hardware",
            name="uq_board_standings_edition_task_model_setup_hardware",
        ),
    )
    op.create_index(
        "ix_board_standings_by_energy",
        "board_standings",
        ["edition", "task", "energy_order", "result_id"],
    )
    op.create_index(
        "ix_board_standings_by_latency",
        "board_standings",
        ["edition", "task", "latency_order", "result_id"],
    )
    op.create_index("ix_board_standings_by_model", "board_standings", ["model", "edition"])
    op.create_index(
        "ix_board_standings_by_quality",
        "board_standings",
        ["edition", "task", "quality_order", "result_id"],
    )
    op.create_index(
        "ix_board_standings_of_population", "board_standings", ["edition", "population"]
    )
    op.execute("INSERT INTO board_state (id, version) VALUES (1, 1)")
    _append_only()


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER board_audit_no_{change.lower()} BEFORE {change} ON board_audit "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION board_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER board_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON board_audit FOR EACH STATEMENT EXECUTE FUNCTION board_audit_refuse()"
    )


def downgrade() -> None:
    """To an empty database."""
    for table in (
        "standings",
        "results",
        "bundles",
        "sessions",
        "audit",
        "editions",
        "maintainers",
        "tokens",
        "state",
    ):
        op.drop_table(f"board_{table}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION board_audit_refuse()")
