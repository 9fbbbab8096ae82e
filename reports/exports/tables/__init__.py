"""Tables of a kept report as CSV. They read the AnalysisRun; nothing is computed here."""
