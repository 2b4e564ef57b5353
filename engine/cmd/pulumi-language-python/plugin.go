package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
)

// RunPlugin runs a provider or a policy pack that is written in Python, until the engine closes the stream.
func (h *host) RunPlugin(req *pulumirpc.RunPluginRequest, answers pulumirpc.LanguageRuntime_RunPluginServer) error {
	if req.GetAttachDebugger() {
		return errDebugger
	}
	python, _, err := pythonOf(req.GetInfo())
	if err != nil {
		return err
	}
	ctx, cancel := until(answers.Context(), h.running)
	defer cancel()
	if err := python.ValidateVenv(ctx); err != nil {
		return err
	}
	answers = &oneByOne[pulumirpc.RunPluginResponse]{ServerStreamingServer: answers}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(answers, false)
	if err != nil {
		return err
	}
	run := runProvider
	if req.GetKind() == "analyzer" {
		run = runPolicyPack
	}
	ended := errors.Join(run(ctx, python, req, stdout, stderr), closer.Close())
	var exit *exec.ExitError
	if ended != nil && !errors.As(ended, &exit) {
		return ended
	}
	return answers.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
	})
}

// runProvider runs `python DIRECTORY ARGUMENTS` where the engine says.
func runProvider(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer,
) error {
	arguments := append([]string{"-u", req.GetInfo().GetProgramDirectory()}, req.GetArgs()...)
	cmd, err := python.Command(ctx, arguments...)
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = req.GetPwd(), stdout, stderr
	if cmd.Env, err = activated(ctx, python, req.GetEnv()); err != nil {
		return err
	}
	isolate(cmd)
	return cmd.Run()
}

// runPolicyPack runs `python -m pulumi.policy ARGUMENTS DIRECTORY` in the pack. A Python pack takes the stack that it
// judges from its environment, so it can only start when the engine has named the stack: until then the proxy answers.
func runPolicyPack(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer,
) error {
	proxy, output, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return err
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	pack := req.GetInfo().GetProgramDirectory()
	arguments := append(append([]string{"-u", "-m", "pulumi.policy"}, req.GetArgs()...), pack)
	cmd, err := python.Command(ctx, arguments...)
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = pack, output, stderr
	environment, err := activated(ctx, python, req.GetEnv())
	if err != nil {
		return err
	}
	if cmd.Env, err = withStack(environment, stack); err != nil {
		return err
	}
	isolate(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the policy pack could not be started: %w", err)
	}
	return proxy.Attach(ctx, cmd)
}

// withStack adds what a policy pack wants to know about the stack. Without a stack, as when a pack is published, there
// is nothing to add.
func withStack(environment []string, stack *pulumirpc.AnalyzerStackConfigureRequest) ([]string, error) {
	if stack == nil {
		return environment, nil
	}
	environment = append(environment,
		"PULUMI_ORGANIZATION="+stack.GetOrganization(),
		"PULUMI_PROJECT="+stack.GetProject(),
		"PULUMI_STACK="+stack.GetStack(),
		"PULUMI_DRY_RUN="+strconv.FormatBool(stack.GetDryRun()),
	)
	return withConfig(environment, stack.GetConfig(), stack.GetConfigSecretKeys())
}

// activated is the engine's environment with the plugin's own virtual environment first on PATH.
func activated(ctx context.Context, python toolchain.Toolchain, environment []string) ([]string, error) {
	directory, err := python.VirtualEnvPath(ctx)
	if err != nil || directory == "" {
		return environment, err
	}
	return toolchain.ActivateVirtualEnv(environment, directory), nil
}

// oneByOne makes Send safe for a process whose stdout and stderr are copied at the same time: gRPC's is not.
type oneByOne[T any] struct {
	grpc.ServerStreamingServer[T]
	sending sync.Mutex
}

func (s *oneByOne[T]) Send(message *T) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.ServerStreamingServer.Send(message)
}
