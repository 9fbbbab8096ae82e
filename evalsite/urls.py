"""Where each room's pages begin."""

from django.urls import URLPattern, URLResolver, include, path

from annotation import admin
from annotation.api.description import Description, Nothing
from evalsite import csp_reports, health, languages, words

urlpatterns: list[URLPattern | URLResolver] = [
    # First, since it is asked for each vote.
    path("", include("annotation.rating.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("csp-report", csp_reports.csp_report, name="csp_report"),
    path("language/", languages.choose, name="choose_language"),
    path("words/<slug:language>.<slug:digest>.js", words.words, name="words"),
    path("", include("annotation.accounts.urls")),
    path("", include("annotation.researcher.urls")),
    path("", include("annotation.adjudication.urls")),
    path("", include("annotation.researcher.membership.urls")),
    path("", include("reports.watching.progress_urls")),
    path("", include("reports.watching.annotator_urls")),
    path("", include("judging.pages.urls")),
    path("", include("annotation.api.page_urls")),
    path("api/schema/", Description.as_view(), name="api_schema"),
    path("api/v1/", include("annotation.api.urls")),
    path("api/v1/", include("judging.api.urls")),
    path("api/v1/", include("reports.api.urls")),
    path("api/<path:rest>", Nothing.as_view(), name="api_nothing"),
    path("", include("reports.pages.urls")),
    path("", include("reports.pages.people_urls")),
    path("", include("reports.alignment_pages.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "evalsite.faults.server_error"
