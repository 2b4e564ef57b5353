package main

import (
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// pythonOptions reads `runtime.options` of a Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml. A value that is not
// understood is an error: to ignore it would run the program in another way than its author asked for.
func pythonOptions(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	given := info.GetOptions().AsMap()

	switch value := given["virtualenv"].(type) {
	case nil:
	case string:
		options.Virtualenv = value
	default:
		return options, fmt.Errorf("runtime option virtualenv: %v is not a path", value)
	}

	switch value := given["toolchain"]; value {
	case nil, "auto":
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return options, fmt.Errorf("runtime option toolchain: %v is none of auto, pip, poetry, uv", value)
	}

	switch value := given["typechecker"]; value {
	case nil, "none":
		options.Typechecker = toolchain.TypeCheckerNone
	case "mypy":
		options.Typechecker = toolchain.TypeCheckerMypy
	case "pyright":
		options.Typechecker = toolchain.TypeCheckerPyright
	default:
		return options, fmt.Errorf("runtime option typechecker: %v is none of none, mypy, pyright", value)
	}
	return options, nil
}

// pythonOf is the toolchain that a program, plugin or policy pack asks for.
func pythonOf(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, toolchain.PythonOptions, error) {
	options, err := pythonOptions(info)
	if err != nil {
		return nil, options, err
	}
	python, err := toolchain.ResolveToolchain(options)
	return python, options, err
}
