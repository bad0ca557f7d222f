"""Streams of the model server of the tests that stall, break off or hold what no one can read."""

import asyncio

from tests.support import model_answers as answers
from tests.support.model_exchange import Exchange, Scenario, chunked, event_of

LONG_LINE, ENDLESS_LINE = 10_000_000, 64_000_000


# Silence


async def silent(x: Exchange, argument: str) -> None:
    await x.silence()


async def silent_after_headers(x: Exchange, argument: str) -> None:
    await x.open()
    await x.silence()


async def silent_after_role(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.silence()


async def silent_mid_answer(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say(answers.half(answers.good(x.asked)))
    await x.silence()


async def one_byte_each(x: Exchange, argument: str) -> None:
    """From the middle of the answer on, one byte each so many seconds."""
    text = answers.good(x.asked)
    begun = answers.half(text)
    await x.begin()
    await x.say(begun)
    for byte in event_of(x.completion({"content": text[len(begun) :]})):
        await asyncio.sleep(float(argument))
        await x.send(chunked(bytes([byte])))
    await x.finish("stop")
    await x.end()


async def comments(x: Exchange, argument: str) -> None:
    """Nothing but comments, as servers send them that want to keep a connection."""
    await x.open()
    while True:
        await x.send(chunked(b": keep-alive\n\n"))
        await asyncio.sleep(0.05)


# Streams that break off


async def ends_early(x: Exchange, argument: str) -> None:
    """The body ends in order, the answer does not."""
    await x.begin()
    await x.say(answers.half(answers.good(x.asked)))
    await x.end(done=False)


async def cut_off(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say(answers.half(answers.good(x.asked)))
    await x.cut()


async def reset(x: Exchange, argument: str) -> None:
    """In mid-chunk: fewer bytes than were promised."""
    await x.begin()
    await x.say(answers.half(answers.good(x.asked)))
    await x.send(b'1000\r\ndata: {"choices": [')
    await x.reset()


async def breaks_after(x: Exchange, argument: str) -> None:
    """After so many whole exercises."""
    await x.begin()
    await x.say(answers.after(answers.good(x.asked), int(argument)))
    await x.cut()


async def no_done(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say(answers.good(x.asked))
    await x.finish("stop")
    await x.end(done=False)


async def no_finish(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say(answers.good(x.asked))
    await x.end()


async def length(x: Exchange, argument: str) -> None:
    """Cut by the limit of tokens, in the middle of an object."""
    text = answers.good(x.asked)
    await x.stream(text[: len(answers.after(text, 2)) + 20], "length")


async def content_filter(x: Exchange, argument: str) -> None:
    await x.stream(answers.half(answers.good(x.asked)), "content_filter")


async def refusal(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say("I'm sorry, I can't help with that.", "refusal")
    await x.finish("stop")
    await x.end()


async def no_usage(x: Exchange, argument: str) -> None:
    await x.stream(answers.good(x.asked), usage=False)


async def reasoning(x: Exchange, argument: str) -> None:
    """Thoughts in a field of their own, as vLLM and others send them; then a good answer."""
    await x.begin()
    await x.say("Which of these would help most?", "reasoning_content")
    await x.say(answers.good(x.asked))
    await x.finish("stop")
    await x.end()


# Wrong bytes


def midway(*events: bytes) -> Scenario:
    """A good answer with these events in its middle."""

    async def scenario(x: Exchange, argument: str) -> None:
        text = answers.good(x.asked)
        begun = answers.half(text)
        await x.begin()
        await x.say(begun)
        for data in events:
            await x.event(data)
        await x.say(text[len(begun) :])
        await x.finish("stop")
        await x.end()

    return scenario


async def error_in_stream(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.say(answers.half(answers.good(x.asked)))
    await x.event({"error": {"message": "The engine has died.", "type": "server_error", "param": None, "code": None}})
    await x.end()


async def split_code_points(x: Exchange, argument: str) -> None:
    """A good answer, each event of which is cut inside its code points of several bytes."""
    await x.begin()
    for piece in answers.good(x.asked):
        event = event_of(x.completion({"content": piece}))
        cuts = [at for at in range(1, len(event)) if 0x80 <= event[at] < 0xC0]
        for start, end in zip([0, *cuts], [*cuts, len(event)], strict=True):
            await x.send(chunked(event[start:end]))
            # Long enough that the two halves are read apart.
            await asyncio.sleep(0.002 if cuts else 0)
        x.call.tokens_sent += 1
    await x.finish("stop")
    await x.end()


async def long_line(x: Exchange, argument: str) -> None:
    await x.begin()
    await x.event(x.completion({"content": "x" * LONG_LINE}))
    await x.finish("stop")
    await x.end()


async def endless_line(x: Exchange, argument: str) -> None:
    """No end of line comes; after 64 MB nothing comes at all, to spare a client that knows no limit."""
    await x.begin()
    await x.send(chunked(b'data: {"choices": [{"index": 0, "delta": {"content": "'))
    piece = chunked(b"x" * 65_536)
    for _ in range(ENDLESS_LINE // 65_536):
        await x.send(piece)
        await asyncio.sleep(0)
    await x.silence()


def completion(content: bytes, more: bytes = b"") -> bytes:
    return b'{"id": "1", "choices": [{"index": 0, "delta": {"content": "%b"}}]%b}' % (content, more)
