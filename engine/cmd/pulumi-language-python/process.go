package main

import (
	"context"
	"os/exec"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
)

// drainTime is how long the output of an ended process is still waited for.
const drainTime = time.Second

// until joins two contexts: what it returns ends with a request and with what the host allows.
func until(request, allowed context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	unhook := context.AfterFunc(allowed, cancel)
	return ctx, func() { unhook(); cancel() }
}

// isolate gives a process, made for a context, a process group of its own that is killed as a whole with the context.
// The group keeps the engine's interrupt away from Python, which would answer with a KeyboardInterrupt traceback of
// some thirty lines; and it ends what the program itself started.
func isolate(cmd *exec.Cmd) {
	cmdutil.RegisterProcessGroup(cmd)
	cmd.Cancel = func() error { return cmdutil.KillChildren(cmd.Process.Pid) }
	cmd.WaitDelay = drainTime
}
