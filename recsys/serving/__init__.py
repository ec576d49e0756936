"""From a history to a slate: index, registry, ranking, reasons."""
