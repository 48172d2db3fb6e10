"""Child processes that do not outlive us, however we end.

    launcher --PR_SET_PDEATHSIG--> child        on Linux the kernel sends SIGTERM when the launcher is gone
    launcher --pipe--> guard                    ends what is still there, then removes the folder of the logs

`tether` and `guard` are programs of the standard library only: they start without site-packages.
"""
