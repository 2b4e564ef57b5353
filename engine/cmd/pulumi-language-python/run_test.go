package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestTheProgramsCommandLine(t *testing.T) {
	h := &host{executor: "/bin/exec", engine: "127.0.0.1:1"}
	got := h.arguments(&pulumirpc.RunRequest{
		MonitorAddress: "127.0.0.1:2", Project: "p", Stack: "dev", Organization: "o", Pwd: "/p/stacks",
		Parallel: 16, Args: []string{"extra"},
		Info: &pulumirpc.ProgramInfo{RootDirectory: "/p", ProgramDirectory: "/p/stacks", EntryPoint: "."},
	})
	want := strings.Fields("-u /bin/exec --monitor 127.0.0.1:2 --engine 127.0.0.1:1 --project p --stack dev " +
		"--organization o --root_directory /p --pwd /p/stacks --dry_run false --parallel 16 . extra")
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestConfigIsAbsentRatherThanNull(t *testing.T) {
	for _, config := range []map[string]string{nil, {}} {
		if got, err := withConfig([]string{"A=b"}, config, nil); err != nil || !slices.Equal(got, []string{"A=b"}) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	got, err := withConfig(nil, map[string]string{"p:k": `"q"`}, []string{"p:k"})
	want := []string{`PULUMI_CONFIG={"p:k":"\"q\""}`, `PULUMI_CONFIG_SECRET_KEYS=["p:k"]`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHowAProgramEnded(t *testing.T) {
	ctx := context.Background()
	run := func(script string) (*pulumirpc.RunResponse, error) {
		return outcome(ctx, exec.Command("sh", "-c", script).Run())
	}
	for script, want := range map[string]*pulumirpc.RunResponse{
		"exit 0":        {},
		"exit 32":       {Bail: true},
		"exit 3":        {Error: "Program exited with non-zero exit code: 3"},
		"kill -KILL $$": {Error: "Program was ended from outside: signal: killed"},
	} {
		got, err := run(script)
		if err != nil || got.Error != want.Error || got.Bail != want.Bail {
			t.Errorf("%s: got %v, %v", script, got, err)
		}
	}
	if _, err := outcome(ctx, exec.Command("/no/such/python").Run()); err == nil {
		t.Error("a program that could not be started is an error of the host")
	}
}

func TestACancelledProgramEndsWithAllThatItStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "sh", "-c", "sleep 60 & echo ready; wait")
	isolate(cmd)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	cancel()
	// The pipe is at its end only when the child that inherited it is gone too.
	for err == nil {
		_, err = output.Read(make([]byte, 1))
	}
	_, answer := outcome(ctx, cmd.Wait())
	if status.Code(answer) != codes.Canceled || time.Since(started) > 5*time.Second {
		t.Errorf("got %v after %v", answer, time.Since(started))
	}
}

func TestRuntimeOptions(t *testing.T) {
	info := func(options map[string]any) *pulumirpc.ProgramInfo {
		values, err := structpb.NewStruct(options)
		if err != nil {
			t.Fatal(err)
		}
		return &pulumirpc.ProgramInfo{RootDirectory: "/p", ProgramDirectory: "/p/stacks", Options: values}
	}
	got, err := pythonOptions(info(map[string]any{"toolchain": "pip", "virtualenv": ".venv", "typechecker": "mypy"}))
	want := toolchain.PythonOptions{
		Root: "/p", ProgramDir: "/p/stacks", Virtualenv: ".venv",
		Toolchain: toolchain.Pip, Typechecker: toolchain.TypeCheckerMypy,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := pythonOptions(info(nil)); err != nil || got.Toolchain != toolchain.Auto || got.Virtualenv != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	for option, value := range map[string]any{"toolchain": "conda", "typechecker": "pytype", "virtualenv": 3.0} {
		if _, err := pythonOptions(info(map[string]any{option: value})); err == nil || !contains(err.Error(), option) {
			t.Errorf("%s: %v: got %v", option, value, err)
		}
	}
}
