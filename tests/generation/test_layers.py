"""The in-process layer keeps the Channels contract, without its costs."""

import asyncio

import pytest
from channels.exceptions import ChannelFull

from generation.layers import InProcessChannelLayer


async def test_a_message_reaches_every_member_of_its_group():
    layer = InProcessChannelLayer()
    first, second = await layer.new_channel(), await layer.new_channel()
    for channel in (first, second):
        await layer.group_add("run.a", channel)
    await layer.group_send("run.a", {"type": "x"})
    assert await layer.receive(first) == await layer.receive(second) == {"type": "x"}


async def test_a_discarded_member_gets_nothing():
    layer = InProcessChannelLayer()
    channel = await layer.new_channel()
    await layer.group_add("run.a", channel)
    await layer.group_discard("run.a", channel)
    await layer.group_send("run.a", {"type": "x"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(channel), 0.05)
    assert layer.groups == {}


async def test_messages_come_in_order():
    layer = InProcessChannelLayer()
    channel = await layer.new_channel()
    for number in range(5):
        await layer.send(channel, {"type": "x", "n": number})
    assert [(await layer.receive(channel))["n"] for _ in range(5)] == list(range(5))


async def test_a_receiver_that_was_cancelled_loses_no_message():
    layer = InProcessChannelLayer()
    channel = await layer.new_channel()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(channel), 0.02)
    await layer.send(channel, {"type": "x"})
    assert await asyncio.wait_for(layer.receive(channel), 1) == {"type": "x"}


async def test_a_full_channel_refuses_a_send_and_passes_over_a_group_send():
    layer = InProcessChannelLayer(capacity=2)
    channel = await layer.new_channel()
    await layer.group_add("run.a", channel)
    for _ in range(3):
        await layer.group_send("run.a", {"type": "x"})
    with pytest.raises(ChannelFull):
        await layer.send(channel, {"type": "x"})


@pytest.mark.parametrize("name", ["", "no spaces", "x" * 101])
async def test_a_malformed_group_name_is_refused(name):
    with pytest.raises(TypeError):
        await InProcessChannelLayer().group_add(name, "test.inprocess!a")
