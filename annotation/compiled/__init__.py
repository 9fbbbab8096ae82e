"""Queries of the rating path, written with the ORM and compiled to SQL once a connection.

Building a query set and compiling it costs several times what the database needs to answer it.
Where the same few queries run for every vote, that is most of what a vote costs. A query here is
declared once, with a `Parameter` wherever its values go, and then only run:

    OWN = CompiledQuery(lambda: Assignment.objects.filter(annotator=Parameter("annotator", KEY)))
    OWN.rows(annotator=annotator.pk)

It stays the ORM's SQL, for either database, so a changed column changes it too. What it cannot do
is vary in form: lists of values have a fixed length, and conditions are there or not.

PostgreSQL keeps them prepared and so does not plan them each time either, which halves its own
part. The values go beside the SQL there, each as the type that its parameter names.
"""

from .changes import CompiledChange, CompiledInsert, CompiledTogether, CompiledUpdate
from .reading import CompiledQuery
from .statements import KEY, Parameter

__all__ = [
    "KEY",
    "CompiledChange",
    "CompiledInsert",
    "CompiledQuery",
    "CompiledTogether",
    "CompiledUpdate",
    "Parameter",
]
