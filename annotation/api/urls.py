"""The addresses of this room's API, under api/v1/."""

from django.urls import path

from . import (
    adjudicating,
    annotating,
    content,
    copying,
    imports,
    messages,
    own_answers,
    people,
    quality,
    questions,
    references,
    rehearsing,
    studies,
)

app_name = "api"

ONE = "studies/<slug:slug>"
MEMBER = f"{ONE}/members/<int:account>"
INVITATION = f"{ONE}/invitations/<int:invitation>"
ANNOTATOR = f"{ONE}/annotators/<str:annotator>"
CASE = f"{ONE}/adjudicate/cases/<uuid:case_id>"

urlpatterns = [
    path("studies", studies.Studies.as_view(), name="studies"),
    path(ONE, studies.OneStudy.as_view(), name="study"),
    path(f"{ONE}/rubric", studies.Rubric.as_view(), name="rubric"),
    path(f"{ONE}/generate", studies.Generate.as_view(), name="generate"),
    path(f"{ONE}/jobs/<uuid:job>", studies.Job.as_view(), name="job"),
    path(f"{ONE}/readiness", studies.Readiness.as_view(), name="readiness"),
    path(f"{ONE}/open", studies.OpenStudy.as_view(), name="open"),
    path(f"{ONE}/pause", studies.PauseStudy.as_view(), name="pause"),
    path(f"{ONE}/resume", studies.ResumeStudy.as_view(), name="resume"),
    path(f"{ONE}/close", studies.CloseStudy.as_view(), name="close"),
    path(f"{ONE}/archive", studies.ArchiveStudy.as_view(), name="archive"),
    path(f"{ONE}/unblind", studies.UnblindStudy.as_view(), name="unblind"),
    path(f"{ONE}/clone", copying.Clone.as_view(), name="clone"),
    path(f"{ONE}/challenge", copying.Challenge.as_view(), name="challenge"),
    path(f"{ONE}/imports/responses", imports.ImportResponses.as_view(), name="import_responses"),
    path(f"{ONE}/imports/prompts", imports.ImportPrompts.as_view(), name="import_prompts"),
    path(
        f"{ONE}/imports/comparisons",
        imports.ImportComparisons.as_view(),
        name="import_comparisons",
    ),
    path(f"{ONE}/imports/votes", imports.ImportVotes.as_view(), name="import_votes"),
    path(f"{ONE}/additions", imports.AddComparisons.as_view(), name="add_comparisons"),
    path(f"{ONE}/rehearsal", rehearsing.Rehearsal.as_view(), name="rehearsal"),
    path(f"{ONE}/references", references.References.as_view(), name="references"),
    path(f"{ONE}/systems", content.Systems.as_view(), name="systems"),
    path(f"{ONE}/prompts", content.Prompts.as_view(), name="prompts"),
    path(f"{ONE}/responses", content.Responses.as_view(), name="responses"),
    path(f"{ONE}/comparisons", content.Comparisons.as_view(), name="comparisons"),
    path(f"{ONE}/members", people.Members.as_view(), name="members"),
    path(MEMBER, people.Member.as_view(), name="member"),
    path(f"{MEMBER}/roles", people.MemberRoles.as_view(), name="member_roles"),
    path(f"{MEMBER}/team", people.MemberTeam.as_view(), name="member_team"),
    path(f"{MEMBER}/end", people.MemberEnd.as_view(), name="member_end"),
    path(f"{MEMBER}/identity", people.MemberErase.as_view(), name="member_erase"),
    path(f"{ONE}/invitations", people.Invitations.as_view(), name="invitations"),
    path(INVITATION, people.OneInvitation.as_view(), name="invitation"),
    path(f"{INVITATION}/remind", people.RemindInvitation.as_view(), name="invitation_remind"),
    path(
        f"{ONE}/invitations/remind", people.RemindInvitations.as_view(), name="remind_invitations"
    ),
    path(
        f"{ONE}/profile-questions", questions.ProfileQuestions.as_view(), name="profile_questions"
    ),
    path(f"{ONE}/crowd-links", people.CrowdLinks.as_view(), name="crowd_links"),
    path(f"{ONE}/quality", quality.Quality.as_view(), name="quality"),
    path(f"{ONE}/findings", quality.Findings.as_view(), name="findings"),
    path(f"{ONE}/reviews", quality.Reviews.as_view(), name="reviews"),
    path(f"{ANNOTATOR}/reviews", quality.Decide.as_view(), name="review"),
    path(f"{ANNOTATOR}/pause", quality.PauseAnnotator.as_view(), name="pause_annotator"),
    path(f"{ANNOTATOR}/messages", messages.Messages.as_view(), name="messages"),
    path(f"{ONE}/annotate/next", annotating.NextPairs.as_view(), name="annotate_next"),
    path(f"{ONE}/annotate/vote", annotating.Vote.as_view(), name="annotate_vote"),
    path(f"{ONE}/annotate/skip", annotating.Skip.as_view(), name="annotate_skip"),
    path(f"{ONE}/annotate/flag", annotating.Flag.as_view(), name="annotate_flag"),
    path(f"{ONE}/annotate/answers", own_answers.OwnAnswers.as_view(), name="own_answers"),
    path(
        f"{ONE}/annotate/answers/<uuid:assignment>",
        own_answers.OneOwnAnswer.as_view(),
        name="own_answer",
    ),
    path(f"{ONE}/annotate/summary", own_answers.OwnSummary.as_view(), name="own_summary"),
    path(f"{ONE}/adjudicate/next", adjudicating.NextCase.as_view(), name="adjudicate_next"),
    path(CASE, adjudicating.OneCase.as_view(), name="case"),
    path(f"{CASE}/decide", adjudicating.DecideCase.as_view(), name="decide_case"),
    path(f"{CASE}/skip", adjudicating.SkipCase.as_view(), name="skip_case"),
]
