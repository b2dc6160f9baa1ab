"""Who is told what became of a rollout, as it may be written."""

from typing import Any, Literal

from pydantic import Field, model_validator

from infra.config.kinds import Command, Model, refusal


class NotifySettings(Model):
    """One place that is told: an address that takes a message, or a command of your own."""

    url_file: str | None = Field(
        default=None,
        min_length=1,
        examples=["ops/team.url"],
        description="the file that its address is in, which nobody else may read",
    )
    form: Literal["json", "slack"] = Field(
        default="json", examples=["slack"], description="what the address takes: json, or slack, which other chats take too"
    )
    command: Command | None = Field(
        default=None, examples=["ops/page.sh"], description="a command that is given the message on its standard input"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_way(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(given, dict) and ("url_file" in given) == ("command" in given):
            raise refusal("a place has either url_file, the file that its address is in, or a command")
        return given
