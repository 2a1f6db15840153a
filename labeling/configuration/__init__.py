"""The wanted state as files: read (`files.py`), checked (`documents.py`), compared and carried out (`applying.py`)."""

from labeling.configuration.applying import Change, apply_documents
from labeling.configuration.exporting import present_state
from labeling.configuration.files import ConfigurationRefused, Problem, read_documents

__all__ = ["Change", "ConfigurationRefused", "Problem", "apply_documents", "present_state", "read_documents"]
