"""Files from package registries, the hub or a folder: fetched once, checked, cached."""
