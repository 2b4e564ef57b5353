package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestVersionsOfPythonAndOfPlugins(t *testing.T) {
	for python, semantic := range map[string]string{ // PEP 440 and SemVer 2 by their own text
		"3.29.0":           "3.29.0",
		"1.2":              "1.2.0",
		"7":                "7.0.0",
		"1.0.0a1700000000": "1.0.0-alpha.1700000000",
		"1.0.0b2":          "1.0.0-beta.2",
		"1.0.0rc1":         "1.0.0-rc.1",
		"1.0.0.dev3":       "1.0.0-dev.3",
		"1.0.0+dirty":      "1.0.0+dirty",
		"1.0.0a3+dirty":    "1.0.0-alpha.3+dirty",
		"1.0.0.post1":      "",
		"1.2.3.4":          "",
		"":                 "",
	} {
		if got := semanticVersion(python); got != semantic {
			t.Errorf("%q: got %q, want %q", python, got, semantic)
		}
	}
}

func TestDistributions(t *testing.T) {
	for entry, want := range map[string][2]string{
		"pulumi_azure_native-3.29.0.dist-info": {"pulumi-azure-native", "3.29.0"},
		"Foo.Bar__baz-1.dist-info":             {"foo-bar-baz", "1"},
	} {
		name, version, ok := distribution(entry)
		if !ok || name != want[0] || version != want[1] {
			t.Errorf("%s: got %s %s %v", entry, name, version, ok)
		}
	}
	for _, entry := range []string{"pulumi", "pulumi-3.272.0.data", "odd.dist-info"} {
		if _, _, ok := distribution(entry); ok {
			t.Errorf("%s is no distribution", entry)
		}
	}
}

func TestAVirtualEnvironmentIsReadOffTheDisk(t *testing.T) {
	elsewhere := t.TempDir()
	root := tree(t, map[string]string{
		"pyvenv.cfg":                               "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.7\n",
		"lib/python3.11/site-packages/_azml.pth":   elsewhere + "\nimport os; os.getcwd()\n/no/such/folder\n\n",
		"lib/python3.11/site-packages/near.pth":    "beside\n",
		"lib/python3.11/site-packages/beside/x.py": "",
	})
	environment := readVirtualenv(root)
	if environment == nil || environment.python != "3.11.7" {
		t.Fatalf("got %+v", environment)
	}
	packages := filepath.Join(root, "lib/python3.11/site-packages")
	if want := []string{packages, elsewhere, filepath.Join(packages, "beside")}; !slices.Equal(environment.imports, want) {
		t.Errorf("got %v, want %v", environment.imports, want)
	}
}

func TestUvWritesAnotherVersionKey(t *testing.T) {
	root := tree(t, map[string]string{
		"pyvenv.cfg":                    "version_info = 3.13.1\n",
		"lib/python3.13/site-packages/": "",
	})
	if environment := readVirtualenv(root); environment == nil || environment.python != "3.13.1" {
		t.Fatalf("got %+v", environment)
	}
}

func TestPythonIsAskedWhereTheFilesDoNotTell(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no environment": {},
		"sees the system": {
			"pyvenv.cfg":                    "include-system-site-packages = True\nversion = 3.11.7\n",
			"lib/python3.11/site-packages/": "",
		},
		"nothing of its own": {"pyvenv.cfg": "version = 3.11.7\n"},
	} {
		if environment := readVirtualenv(tree(t, files)); environment != nil {
			t.Errorf("%s: got %+v", name, environment)
		}
	}
	if readVirtualenv("") != nil {
		t.Error("no virtualenv was asked for")
	}
}
