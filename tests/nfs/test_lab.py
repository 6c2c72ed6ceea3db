"""What the lab promises, without which its scenarios would prove nothing."""

import pytest


@pytest.mark.parametrize("version", ["vers=3", "vers=4.2"])
def test_what_was_synced_survives_a_power_cut_of_the_server(make_lab, version):
    lab = make_lab(nfs=version)
    lab.start(1)
    (client,) = lab.clients
    kinds = client.run("stat -f -c %T /run/farm; findmnt -n -o OPTIONS /run/farm")
    assert kinds.startswith("nfs\n")
    assert f"{version}," in kinds
    client.run("echo whole >/run/farm/part; sync /run/farm/part; mv /run/farm/part /run/farm/word")
    lab.cut_power_of_server()
    assert client.run("cat /run/farm/word") == "whole\n"
