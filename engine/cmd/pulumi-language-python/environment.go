package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// InstallDependencies installs what the project requires, with the tool that it names. Where pip has nothing to read
// requirements from and the virtual environment is there, it stays as it is: the toolchain would look for newer versions
// of pip and setuptools, which needs a network and changes an environment that other folders may share.
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, answers pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	python, options, err := pythonOf(req.GetInfo())
	if err != nil {
		return err
	}
	if settled(python, options) {
		return nil
	}
	ctx, cancel := until(answers.Context(), h.working)
	defer cancel()
	answers = &oneByOne[pulumirpc.InstallDependenciesResponse]{ServerStreamingServer: answers}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(answers, req.GetIsTerminal())
	if err != nil {
		return err
	}
	installed := python.InstallDependencies(
		ctx, options.ProgramDir, req.GetUseLanguageVersionTools(), true, stdout, stderr)
	return errors.Join(installed, closer.Close())
}

// settled says whether pip has nothing to install for a project.
func settled(python toolchain.Toolchain, options toolchain.PythonOptions) bool {
	if options.Toolchain != toolchain.Pip || options.Virtualenv == "" || python.ValidateVenv(context.Background()) != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(options.ProgramDir, "requirements.txt"))
	return errors.Is(err, fs.ErrNotExist)
}

// About describes the Python that the project runs with. The engine asks at every command, for the stack's metadata.
func (h *host) About(request context.Context, req *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	python, options, err := pythonOf(req.GetInfo())
	if err != nil {
		return nil, err
	}
	info, err := about(request, python, options)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{
		Executable: info.PythonExecutable,
		Version:    info.PythonVersion.String(),
		Metadata: map[string]string{
			"toolchain":        toolchain.Name(options.Toolchain),
			"toolchainVersion": info.ToolchainVersion.String(),
			"typechecker":      toolchain.TypeCheckerName(options.Typechecker),
		},
	}, nil
}

// about reads a virtual environment of pip's off the disk. The toolchain's own way, which the others need, starts
// Python three times.
func about(
	ctx context.Context, python toolchain.Toolchain, options toolchain.PythonOptions,
) (toolchain.Info, error) {
	directory, err := python.VirtualEnvPath(ctx)
	if err != nil {
		return toolchain.Info{}, err
	}
	environment := readVirtualenv(directory)
	if environment == nil || options.Toolchain != toolchain.Pip {
		return python.About(ctx)
	}
	interpreter, err := python.Command(ctx)
	if err != nil {
		return toolchain.Info{}, err
	}
	version, err := toolchain.ParsePythonVersion(environment.python)
	if err != nil {
		return python.About(ctx)
	}
	versions, _, err := installed(environment.imports)
	if err != nil {
		return toolchain.Info{}, err
	}
	// An environment may well hold no pip (uv makes such): its version is then 0.0.0, as with the official host.
	pip, _ := semver.ParseTolerant(versions["pip"])
	return toolchain.Info{PythonExecutable: interpreter.Path, PythonVersion: version, ToolchainVersion: pip}, nil
}

// GetProgramDependencies lists the Python packages of the project, for `pulumi about` and for stack metadata.
func (h *host) GetProgramDependencies(
	request context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, _, err := pythonOf(req.GetInfo())
	if err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(request, req.GetTransitiveDependencies())
	if err != nil {
		return nil, err
	}
	dependencies := make([]*pulumirpc.DependencyInfo, 0, len(packages))
	for _, found := range packages {
		dependencies = append(dependencies, &pulumirpc.DependencyInfo{Name: found.Name, Version: found.Version})
	}
	return &pulumirpc.GetProgramDependenciesResponse{Dependencies: dependencies}, nil
}
