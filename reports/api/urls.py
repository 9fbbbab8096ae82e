"""The addresses of this room's API, under api/v1/."""

from django.urls import path

from . import alignment, anchor, log, outcomes, people_files, planning, votes

app_name = "reports_api"

ONE = "studies/<slug:slug>"
JUDGE = f"{ONE}/judges/<int:version>"

urlpatterns = [
    path(f"{ONE}/progress", outcomes.Progress.as_view(), name="progress"),
    path(f"{ONE}/votes", votes.Votes.as_view(), name="votes"),
    path(f"{ONE}/votes/<int:vote>", votes.OneVote.as_view(), name="vote"),
    path(f"{ONE}/flags", votes.Flags.as_view(), name="flags"),
    path(f"{ONE}/skips", votes.Skips.as_view(), name="skips"),
    path(f"{ONE}/looks", votes.Looks.as_view(), name="looks"),
    path(f"{ONE}/log", log.Log.as_view(), name="log"),
    path(f"{ONE}/log/verification", log.VerifyLog.as_view(), name="verify_log"),
    path(f"{ONE}/analyses", outcomes.Analyses.as_view(), name="analyses"),
    path(f"{ONE}/analyses/<int:analysis>", outcomes.OneAnalysis.as_view(), name="analysis"),
    path(f"{ONE}/requests/<int:wish>", outcomes.OneRequest.as_view(), name="request"),
    path(f"{ONE}/exports/<slug:name>.<slug:chosen>", outcomes.Exports.as_view(), name="export"),
    path(f"{ONE}/alignment", alignment.Alignment.as_view(), name="alignment"),
    path(f"{ONE}/judge-standings", alignment.Standings.as_view(), name="standings"),
    path(f"{ONE}/validity", alignment.Validity.as_view(), name="validity"),
    path(f"{ONE}/rating-anchor", anchor.AnchorOfRatings.as_view(), name="rating_anchor"),
    path(f"{JUDGE}/validations", alignment.Validations.as_view(), name="validations"),
    path(f"{JUDGE}/samples", alignment.Samples.as_view(), name="samples"),
    path(f"{JUDGE}/samples/withdraw", alignment.WithdrawSample.as_view(), name="withdraw_sample"),
    path(f"{ONE}/people/payments.csv", people_files.Payments.as_view(), name="payments"),
    path(f"{ONE}/people/annotators.csv", people_files.Annotators.as_view(), name="annotators"),
    path(f"{ONE}/plan", planning.Plan.as_view(), name="plan"),
]
