#!/bin/sh
# Who is told of the example: a file beside it. In production this is a chat (form: slack), or whatever pages people.
umask 077; mkdir -p .kept && cat >> .kept/told.jsonl && echo >> .kept/told.jsonl
