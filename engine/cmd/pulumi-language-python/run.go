package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// exitShown is the exit code of a program that has told the user what is wrong.
const exitShown = 32

// Run executes a program. What it prints goes to the host's own output, which the engine shows.
func (h *host) Run(request context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if req.GetAttachDebugger() {
		return nil, errDebugger
	}
	python, options, err := pythonOf(req.GetInfo())
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(request); err != nil {
		return nil, err
	}
	ctx, cancel := until(request, h.working)
	defer cancel()
	if problem, err := typecheck(ctx, python, options); problem != "" || err != nil {
		return &pulumirpc.RunResponse{Error: problem}, err
	}
	cmd, err := python.Command(ctx, h.arguments(req)...)
	if err != nil {
		return nil, err
	}
	cmd.Env, err = withConfig(cmd.Environ(), req.GetConfig(), req.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	isolate(cmd)
	return outcome(ctx, cmd.Run())
}

// arguments is the command line of pulumi-language-python-exec. Unbuffered (-u), so that what a program prints is seen
// when it is printed.
func (h *host) arguments(req *pulumirpc.RunRequest) []string {
	arguments := []string{"-u", h.executor}
	for _, option := range [][2]string{
		{"--monitor", req.GetMonitorAddress()},
		{"--engine", h.engine},
		{"--tracing", h.tracing},
		{"--project", req.GetProject()},
		{"--stack", req.GetStack()},
		{"--organization", req.GetOrganization()},
		{"--root_directory", req.GetInfo().GetRootDirectory()},
		{"--pwd", req.GetPwd()},
		{"--dry_run", strconv.FormatBool(req.GetDryRun())},
		{"--parallel", strconv.Itoa(int(req.GetParallel()))},
	} {
		if option[1] != "" {
			arguments = append(arguments, option[0], option[1])
		}
	}
	return append(append(arguments, req.GetInfo().GetEntryPoint()), req.GetArgs()...)
}

// withConfig adds the stack's config to an environment. A stack without config leaves the variable unset: JSON's null,
// which an empty map can become, breaks the SDK.
func withConfig(environment []string, config map[string]string, secretKeys []string) ([]string, error) {
	if len(config) > 0 {
		text, err := json.Marshal(config)
		if err != nil {
			return nil, err
		}
		environment = append(environment, "PULUMI_CONFIG="+string(text))
	}
	if len(secretKeys) > 0 {
		text, err := json.Marshal(secretKeys)
		if err != nil {
			return nil, err
		}
		environment = append(environment, "PULUMI_CONFIG_SECRET_KEYS="+string(text))
	}
	return environment, nil
}

// outcome tells the engine how a program ended.
func outcome(ctx context.Context, ended error) (*pulumirpc.RunResponse, error) {
	var exit *exec.ExitError
	switch {
	case ended == nil:
		return &pulumirpc.RunResponse{}, nil
	case ctx.Err() != nil:
		return nil, status.FromContextError(ctx.Err()).Err()
	case errors.As(ended, &exit) && exit.ExitCode() == exitShown:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(ended, &exit) && exit.Exited():
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("Program exited with non-zero exit code: %d", exit.ExitCode()),
		}, nil
	case errors.As(ended, &exit):
		return &pulumirpc.RunResponse{Error: "Program was ended from outside: " + exit.String()}, nil
	default:
		return nil, fmt.Errorf("the program could not be started: %w", ended)
	}
}

// typecheck runs the type checker that the project asks for and returns what it complains about.
func typecheck(
	ctx context.Context, python toolchain.Toolchain, options toolchain.PythonOptions,
) (string, error) {
	var module string
	switch options.Typechecker {
	case toolchain.TypeCheckerNone:
		return "", nil
	case toolchain.TypeCheckerMypy:
		module = "mypy"
	case toolchain.TypeCheckerPyright:
		module = "pyright"
	}
	cmd, err := python.ModuleCommand(ctx, module, options.ProgramDir)
	if err != nil {
		return "", err
	}
	isolate(cmd)
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Sprintf("%s found problems in the program:\n\n%s", module, bytes.TrimSpace(output)), nil
	}
	return "", err
}

var errDebugger = status.Error(codes.Unimplemented, "--attach-debugger needs an official Pulumi installation")
