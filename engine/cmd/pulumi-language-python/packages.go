package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// pluginFile is what a Pulumi package carries in its module to say which provider it needs.
const pluginFile = "pulumi-plugin.json"

// GetRequiredPackages lists the providers whose packages are installed in the project's environment. The engine asks
// at every command, so the directories are read directly: `pip list` would take a second each time.
func (h *host) GetRequiredPackages(
	request context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, options, err := pythonOf(req.GetInfo())
	if err != nil {
		return nil, err
	}
	if err := python.EnsureVenv(request, options.ProgramDir, false, true, os.Stdout, os.Stderr); err != nil {
		return nil, err
	}
	path, err := searchPath(request, python)
	if err != nil {
		return nil, err
	}
	packages, err := providers(path)
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, err
}

// providers finds the providers that packages on a search path need: what a module's pulumi-plugin.json names, and for
// a distribution called pulumi-NAME without such a file the provider NAME, as old provider packages have none.
func providers(path []string) ([]*pulumirpc.PackageDependency, error) {
	versions, described, err := installed(path)
	if err != nil {
		return nil, err
	}
	for name := range versions {
		if strings.HasPrefix(name, "pulumi-") {
			setDefault(described, name, &plugin.PulumiPluginJSON{Resource: true})
		}
	}
	var found []*pulumirpc.PackageDependency
	for name, description := range described {
		if description.Resource {
			found = append(found, dependency(name, versions[name], description))
		}
	}
	slices.SortFunc(found, func(a, b *pulumirpc.PackageDependency) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// installed reads the versions of the distributions and the plugin files of the modules on a search path.
func installed(path []string) (map[string]string, map[string]*plugin.PulumiPluginJSON, error) {
	versions, described := map[string]string{}, map[string]*plugin.PulumiPluginJSON{}
	for _, directory := range path {
		entries, err := os.ReadDir(directory)
		if isAbsent(err) {
			continue // Python's search path may name what is not a directory: a zip file, or nothing at all.
		}
		if err != nil {
			return nil, nil, err
		}
		for _, entry := range entries {
			if name, version, ok := distribution(entry.Name()); ok {
				setDefault(versions, name, version)
				continue
			}
			file := filepath.Join(directory, entry.Name(), pluginFile)
			found, err := plugin.LoadPulumiPluginJSON(file)
			if err == nil {
				setDefault(described, normalized(entry.Name()), found)
			} else if !isAbsent(err) {
				return nil, nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return versions, described, nil
}

// dependency is the engine's form of a plugin description; what the file leaves out comes from the distribution.
func dependency(name, version string, description *plugin.PulumiPluginJSON) *pulumirpc.PackageDependency {
	return &pulumirpc.PackageDependency{
		Kind:             "resource",
		Name:             cmp.Or(description.Name, strings.TrimPrefix(name, "pulumi-")),
		Version:          cmp.Or(description.Version, semanticVersion(version)),
		Server:           description.Server,
		Parameterization: parameterization(description.Parameterization),
		Extension:        parameterization(description.ExtensionParameterization),
	}
}

func parameterization(described *plugin.PulumiParameterizationJSON) *pulumirpc.PackageParameterization {
	if described == nil {
		return nil
	}
	return &pulumirpc.PackageParameterization{
		Name: described.Name, Version: described.Version, Value: described.Value,
	}
}

// isAbsent says whether a path is not there, be it that what should hold it is a plain file.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// setDefault keeps the first: what comes first on the search path is what is imported.
func setDefault[V any](values map[string]V, key string, value V) {
	if _, taken := values[key]; !taken {
		values[key] = value
	}
}
