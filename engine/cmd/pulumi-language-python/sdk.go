package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/contract"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// GeneratePackage writes the Python SDK of a schema, for `pulumi package add` and `pulumi package gen-sdk`.
func (h *host) GeneratePackage(
	_ context.Context, req *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(req.GetLoaderTarget())
	if err != nil {
		return nil, err
	}
	defer contract.IgnoreClose(loader)
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(req.GetSchema()), &spec); err != nil {
		return nil, fmt.Errorf("the schema is not readable: %w", err)
	}
	cached := schema.NewCachedLoader(loader)
	pkg, diagnostics, err := schema.BindSpec(spec, cached, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GeneratePackageResponse{Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(diagnostics)}
	if diagnostics.HasErrors() {
		return response, nil
	}
	files, err := python.GeneratePackage("pulumi-language-python", pkg, req.GetExtraFiles(), cached)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		path := filepath.Join(req.GetDirectory(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// Link adds generated SDKs to the files in which the project lists what it requires, and says how to import them.
func (h *host) Link(request context.Context, req *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	toolchain, _, err := pythonOf(req.GetInfo())
	if err != nil {
		return nil, err
	}
	loader, err := schema.NewLoaderClient(req.GetLoaderTarget())
	if err != nil {
		return nil, err
	}
	defer contract.IgnoreClose(loader)
	paths := map[string]string{}
	instructions := "You can then use the SDK in your Python code with:\n"
	for _, dependency := range req.GetPackages() {
		pkg, err := definition(request, loader, dependency.GetPackage())
		if err != nil {
			return nil, err
		}
		module, err := moduleOf(pkg)
		if err != nil {
			return nil, err
		}
		paths[module] = dependency.GetPath()
		instructions += fmt.Sprintf("\n  import %s as %s\n", module, strings.ReplaceAll(pkg.Name, "-", "_"))
	}
	if err := toolchain.LinkPackages(request, paths); err != nil {
		return nil, err
	}
	return &pulumirpc.LinkResponse{ImportInstructions: instructions}, nil
}

// definition loads the schema of a package through the engine.
func definition(
	ctx context.Context, loader schema.ReferenceLoader, dependency *pulumirpc.PackageDependency,
) (*schema.Package, error) {
	descriptor := &schema.PackageDescriptor{Name: dependency.GetName(), DownloadURL: dependency.GetServer()}
	if dependency.GetVersion() != "" {
		version, err := semver.ParseTolerant(dependency.GetVersion())
		if err != nil {
			return nil, fmt.Errorf("version of package %s: %w", dependency.GetName(), err)
		}
		descriptor.Version = &version
	}
	if parameters := dependency.GetParameterization(); parameters != nil {
		version, err := semver.ParseTolerant(parameters.GetVersion())
		if err != nil {
			return nil, fmt.Errorf("version of package %s: %w", parameters.GetName(), err)
		}
		descriptor.Parameterization = &schema.ParameterizationDescriptor{
			Name: parameters.GetName(), Version: version, Value: parameters.GetValue(),
		}
	}
	reference, err := loader.LoadPackageReferenceV2(ctx, descriptor)
	if err != nil {
		return nil, err
	}
	return reference.Definition()
}

// moduleOf is the name under which a package's SDK is imported.
func moduleOf(pkg *schema.Package) (string, error) {
	if err := pkg.ImportLanguages(map[string]schema.Language{"python": python.Importer}); err != nil {
		return "", err
	}
	if info, ok := pkg.Language["python"].(python.PackageInfo); ok && info.PackageName != "" {
		return info.PackageName, nil
	}
	return python.PyPack(pkg.Namespace, pkg.Name), nil
}
