"""Child processes that do not outlive us, however we end.

    launcher --PR_SET_PDEATHSIG--> child        on Linux the kernel sends SIGTERM when the launcher is gone
    launcher --pipe--> guard                    ends what is still there, then removes the folder of the logs

The first is done by `wms_core.tether`. `guard` is a program of the standard library only: it starts without
site-packages.
"""
