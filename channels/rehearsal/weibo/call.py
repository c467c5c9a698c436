"""One call to Weibo's interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from channels.rehearsal.weibo.codes import Refusal
from channels.rehearsal.weibo.state import Comment, Post, UserState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Call:
    """A call whose token was good; `picture` is the file of field `pic`."""

    world: World
    user: UserState
    base: str
    fields: dict[str, str]
    picture: bytes | None = None

    @property
    def now(self) -> float:
        """The platform's time."""
        return self.world.clock.now()

    def record(self, kind: str, **data: Any) -> None:
        """Write a line for this account into the ledger."""
        self.world.ledger.add("weibo", self.user.account.uid, kind, **data)

    def needed(self, name: str) -> str:
        """A parameter that must be there; 10016 otherwise."""
        if name not in self.fields:
            raise Refusal(10016, f"Miss required parameter ({name}) , see doc for more info.")
        return self.fields[name]

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number; 10008 when it is none."""
        value = self.needed(name) if default is None else self.fields.get(name, str(default))
        if not value.isdigit():
            raise Refusal(10008)
        return int(value)

    def address_of_operator(self) -> str:
        """`rip`, the operator's real address; 10016 without, 10008 for what is no address."""
        rip = self.needed("rip")
        try:
            ip_address(rip)
        except ValueError:
            raise Refusal(10008) from None
        return rip

    def post(self, name: str = "id") -> tuple[UserState, Post]:
        """Any user's post by its number; 20101 when it is gone."""
        wanted = self.number(name)
        for user in self.world.state.weibo.users.values():
            post = user.posts.get(wanted)
            if post and not post.deleted:
                return user, post
        raise Refusal(20101)


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Api:
    """How one interface is called; an `advanced` one answers 10014 until it is granted to the app."""

    handler: Handler
    method: str = "GET"
    advanced: bool = False


def written(when: datetime) -> str:
    """Weibo's way to write a time in China: Wed Oct 24 23:49:17 +0800 2012."""
    return f"{_DAYS[when.weekday()]} {_MONTHS[when.month - 1]} {when:%d %H:%M:%S} +0800 {when.year}"


def shown_user(user: UserState) -> dict[str, Any]:
    """A user as it stands inside a status."""
    return {"id": int(user.account.uid), "idstr": user.account.uid, "screen_name": user.account.name}


def shown_post(call: Call, user: UserState, post: Post) -> dict[str, Any]:
    """A status as the interface answers it."""
    answer: dict[str, Any] = {
        "created_at": written(call.world.clock.moment(post.at)),
        "id": post.id,
        "mid": str(post.id),
        "idstr": str(post.id),
        "text": post.text,
        "source": f'<a href="" rel="nofollow">{user.account.name}</a>',
        "favorited": False,
        "truncated": False,
        "reposts_count": post.reposts,
        "comments_count": len(post.comments),
        "attitudes_count": post.attitudes,
        "user": shown_user(user),
    }
    if post.picture:
        picture = call.base + post.picture
        answer |= {"thumbnail_pic": picture, "bmiddle_pic": picture, "original_pic": picture}
    return answer


def shown_comment(call: Call, user: UserState, post: Post, comment: Comment) -> dict[str, Any]:
    """A comment as the interface answers it; one that answers another names it in `reply_comment`."""
    stranger = {"id": int(comment.uid), "idstr": comment.uid, "screen_name": comment.name}
    answered = next((one for one in post.comments if comment.reply_to and one.id == comment.reply_to), None)
    more = {"reply_comment": {"id": answered.id, "idstr": str(answered.id), "text": answered.text}} if answered else {}
    return more | {
        "created_at": written(call.world.clock.moment(comment.at)),
        "id": comment.id,
        "mid": str(comment.id),
        "idstr": str(comment.id),
        "text": comment.text,
        "user": shown_user(user) if comment.ours else stranger,
        "status": shown_post(call, user, post),
    }
