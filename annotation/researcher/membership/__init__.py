"""Pages about a study's people: members, invitations, a platform's link, questions about them.

Owners decide about everybody, researchers about annotators; what may be done is decided by
`annotation.people`, here it is only shown. Roles are read on each request.
"""
