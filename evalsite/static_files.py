"""How static files are collected: compressed, under names that change with their content.

Scripts name the modules that they import; these names change with the content, too, so that a
browser asks for none of them again until it has changed. Without that a returning annotator asked
for each of the rating page's modules once more.
"""

from __future__ import annotations

from whitenoise.storage import (  # type: ignore[import-untyped]
    CompressedManifestStaticFilesStorage,
)


class HashedModulesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    support_js_module_import_aggregation = True
