package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// virtualenv is what the files of a virtual environment say about it. To read them is quicker than to start Python.
type virtualenv struct {
	python  string   // version of the interpreter, such as 3.11.7
	imports []string // directories from which is imported, without the standard library's
}

// readVirtualenv is nil where the files do not tell: without an environment, in one that sees the system's packages
// too, and in one that has none of its own.
func readVirtualenv(directory string) *virtualenv {
	if directory == "" {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(directory, "pyvenv.cfg"))
	if err != nil {
		return nil
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(line, "=")
		settings[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if strings.EqualFold(settings["include-system-site-packages"], "true") {
		return nil
	}
	var own []string
	for _, pattern := range []string{"lib/python3*/site-packages", "Lib/site-packages"} {
		found, _ := filepath.Glob(filepath.Join(directory, pattern))
		own = append(own, found...)
	}
	if own == nil {
		return nil
	}
	imports := own
	for _, packages := range own {
		imports = append(imports, linked(packages)...)
	}
	// venv writes `version`, uv and virtualenv write `version_info`.
	return &virtualenv{python: cmp.Or(settings["version"], settings["version_info"]), imports: imports}
}

// searchPath lists the directories from which a Python environment imports what is installed in it.
func searchPath(ctx context.Context, python toolchain.Toolchain) ([]string, error) {
	directory, err := python.VirtualEnvPath(ctx)
	if err != nil {
		return nil, err
	}
	if environment := readVirtualenv(directory); environment != nil {
		return environment.imports, nil
	}
	cmd, err := python.Command(ctx, "-c", `import sys; print("\n".join(sys.path[1:]))`)
	if err != nil {
		return nil, err
	}
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking Python for its search path: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(output)), "\n"), nil
}

// linked lists the directories that .pth files add: this is how packages are installed for editing.
func linked(directory string) []string {
	var directories []string
	files, _ := filepath.Glob(filepath.Join(directory, "*.pth"))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			line = strings.TrimSpace(line)
			if !filepath.IsAbs(line) {
				line = filepath.Join(directory, line)
			}
			if info, err := os.Stat(line); err == nil && info.IsDir() && line != directory {
				directories = append(directories, line)
			}
		}
	}
	return directories
}

// distribution reads name and version off a `NAME-VERSION.dist-info` directory.
func distribution(entry string) (name, version string, ok bool) {
	stem, ok := strings.CutSuffix(entry, ".dist-info")
	if !ok {
		return "", "", false
	}
	name, version, ok = strings.Cut(stem, "-")
	return normalized(name), version, ok
}

// normalized is a distribution's name as PEP 503 compares it.
func normalized(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// semanticVersion turns a Python version (PEP 440) into the semantic version that it was made from: 1.2.0a5 is
// 1.2.0-alpha.5. It is empty, so that any version of the plugin will do, where there is no such version.
func semanticVersion(version string) string {
	parts := pep440.FindStringSubmatch(version)
	if parts == nil {
		return ""
	}
	release := parts[1] + strings.Repeat(".0", 2-strings.Count(parts[1], "."))
	if parts[2] == "" {
		return release + parts[4]
	}
	stage := map[string]string{"a": "alpha", "b": "beta", "rc": "rc", ".dev": "dev"}[parts[2]]
	return release + "-" + stage + "." + parts[3] + parts[4]
}

var (
	separators = regexp.MustCompile(`[-_.]+`)
	pep440     = regexp.MustCompile(`^(\d+(?:\.\d+){0,2})(?:(a|b|rc|\.dev)(\d+))?(\+[0-9A-Za-z.]+)?$`)
)
