# Who drives in a cluster: `crossfade promote --in-cluster`. It has Crossfade, and neither Pulumi nor a project.
#
#   docker build -f deploy/driver.Dockerfile -t registry.example.com/crossfade:1 . && docker push registry.example.com/crossfade:1
FROM python:3.12-slim-bookworm
COPY pyproject.toml README.md LICENSE /crossfade/
COPY infra /crossfade/infra
COPY smoke /crossfade/smoke
RUN pip install --no-cache-dir "/crossfade[kubernetes]" && rm -rf /crossfade
USER 10001
