"""Tags of a WeChat account's followers (developers.weixin.qq.com, tags)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from channels.abilities.tags import Tag, TagLimits, Tags, name_problems
from channels.adapters.wechat.sending import Sending
from channels.errors import Refused

# Tags of the platform's own: blacklist, screened, starred. They can be neither changed nor sent to.
PLATFORMS_OWN = frozenset({0, 1, 2})


class WeChatTags(Tags):
    """The tags' part of the adapter."""

    tag_limits: ClassVar[TagLimits] = TagLimits(tags=100, name=30, people_a_call=50, his=20)

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def tags(self) -> list[Tag]:
        """tags/get, without the platform's own."""
        with self.sending.harmlessly():
            answer = self.sending.client.get("tags/get")
        found = [Tag(int(one["id"]), str(one["name"]), int(one.get("count") or 0)) for one in answer.get("tags") or []]
        return [tag for tag in found if tag.id not in PLATFORMS_OWN]

    def create_tag(self, name: str) -> Tag:
        """tags/create; a name that is there already is refused, so a repeat makes no second tag."""
        self._check(name)
        with self.sending.harmlessly():
            made = self.sending.client.post("tags/create", data={"tag": {"name": name}})["tag"]
        return Tag(int(made["id"]), str(made["name"]))

    def rename_tag(self, tag_id: int, name: str) -> None:
        """tags/update."""
        self._check(name)
        with self.sending.harmlessly():
            self.sending.client.post("tags/update", data={"tag": {"id": tag_id, "name": name}})

    def delete_tag(self, tag_id: int) -> None:
        """tags/delete."""
        with self.sending.harmlessly():
            self.sending.client.post("tags/delete", data={"tag": {"id": tag_id}})

    def tag_people(self, tag_id: int, people: Sequence[str]) -> None:
        """tags/members/batchtagging, as many people a call as it takes."""
        self._for_all("tags/members/batchtagging", tag_id, people)

    def untag_people(self, tag_id: int, people: Sequence[str]) -> None:
        """tags/members/batchuntagging, the same."""
        self._for_all("tags/members/batchuntagging", tag_id, people)

    def tags_of(self, person: str) -> list[int]:
        """tags/getidlist, without the platform's own."""
        with self.sending.harmlessly():
            answer = self.sending.client.post("tags/getidlist", data={"openid": person})
        return [int(one) for one in answer.get("tagid_list") or [] if int(one) not in PLATFORMS_OWN]

    def _for_all(self, path: str, tag_id: int, people: Sequence[str]) -> None:
        most = self.tag_limits.people_a_call
        for start in range(0, len(people), most):
            body = {"openid_list": list(people[start : start + most]), "tagid": tag_id}
            with self.sending.harmlessly():
                self.sending.client.post(path, data=body)

    def _check(self, name: str) -> None:
        for problem in name_problems(self.tag_limits, name):
            raise Refused(problem.message, field=problem.field)
