"""The addresses of this room's API, under api/v1/."""

from django.urls import path

from . import imports, judges, runs

app_name = "judging_api"

ONE = "studies/<slug:slug>"
JUDGE = f"{ONE}/judges/<int:version>"
RUN = f"{ONE}/judge-runs/<int:run>"

urlpatterns = [
    path(
        f"{ONE}/imports/judgments",
        imports.ImportJudgments.as_view(),
        name="import_judgments",
    ),
    path(f"{ONE}/judges", judges.Judges.as_view(), name="judges"),
    path(JUDGE, judges.OneJudge.as_view(), name="judge"),
    path(f"{JUDGE}/key", judges.JudgeKey.as_view(), name="key"),
    path(f"{JUDGE}/connection", judges.JudgeConnection.as_view(), name="connection"),
    path(f"{JUDGE}/try", judges.JudgeTry.as_view(), name="try"),
    path(f"{JUDGE}/quote", runs.QuoteRun.as_view(), name="quote"),
    path(f"{JUDGE}/runs", runs.StartRun.as_view(), name="start"),
    path(f"{ONE}/judge-budget", runs.JudgeBudget.as_view(), name="budget"),
    path(f"{ONE}/judge-runs/quote", runs.QuoteTogether.as_view(), name="quote_all"),
    path(f"{ONE}/judge-runs", runs.Runs.as_view(), name="runs"),
    path(RUN, runs.OneRun.as_view(), name="run"),
    path(f"{RUN}/pause", runs.PauseRun.as_view(), name="pause"),
    path(f"{RUN}/resume", runs.ResumeRun.as_view(), name="resume"),
    path(f"{RUN}/cancel", runs.CancelRun.as_view(), name="cancel"),
    path(f"{RUN}/retry", runs.RetryRun.as_view(), name="retry"),
]
