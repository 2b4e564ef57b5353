// pulumi-language-python is the language host that lets the Pulumi engine run Python programs, components and
// policy packs. It is for machines without an official Pulumi installation, which brings a host of its own.
//
// It owns the processes that it starts and the answers to the engine's questions about a Python project. It does not
// own the Python side: programs run under `pulumi-language-python-exec` of the Pulumi SDK, installed beside this
// binary. It generates SDKs from schemas, but it neither converts programs from other languages nor packs SDKs for
// publication; those calls answer Unimplemented.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	tracing := flag.String("tracing", "", "endpoint that programs send tracing data to")
	flag.Parse()
	logging.InitLogging(false, 0, false)
	if err := serve(*tracing, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

// serve answers the engine until it sends a signal or is gone. The port on stdout is the engine's sign
// that the host is ready.
func serve(tracing, engine string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	running, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	working, abort := context.WithCancel(running)
	defer abort()
	host := &host{
		executor: filepath.Join(filepath.Dir(executable), "pulumi-language-python-exec"),
		tracing:  tracing,
		running:  running,
		stop:     stop,
		working:  working,
		abort:    abort,
	}
	if engine != "" {
		if err := host.follow(engine); err != nil {
			return err
		}
	}
	finish := make(chan bool)
	context.AfterFunc(running, func() { close(finish) })
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: finish,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(server.Port)
	return <-server.Done
}
