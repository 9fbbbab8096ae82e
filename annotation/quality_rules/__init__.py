"""The mathematics of quality control: figures in, findings out. Pure; no Django.

`figures` says what is looked at, `concord` how far people agree, `firing` which rules fire,
`intervals` how sure a figure is, `grading` when an answer to a pair with a known answer is right.
`annotation.quality` reads the figures from the tables and acts on what fires.
"""
