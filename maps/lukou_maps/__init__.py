"""HD maps: road model, importers, matching, conflict areas, lane paths, signal configuration."""
