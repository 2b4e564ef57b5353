package main

import (
	"os"
	"path/filepath"
	"testing"
)

// tree makes files with their content; a name that ends in a slash makes a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if name[len(name)-1] == '/' {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestProvidersAreWhatThePackagesSay(t *testing.T) {
	first := tree(t, map[string]string{
		// As in the official package: name and version are in the file.
		"pulumi_azure_native/pulumi-plugin.json": `{"resource": true, "name": "azure-native", "version": "3.29.0"}`,
		"pulumi_azure_native-3.29.0.dist-info/":  "",
		"pulumi_random/pulumi-plugin.json":       `{"resource": true}`, // the distribution tells the rest
		"Pulumi.Random-4.16.0a5.dist-info/":      "",
		"pulumi_policy/pulumi-plugin.json":       `{"resource": false}`, // no provider, although its name says so
		"pulumi_policy-1.21.0.dist-info/":        "",
		"pulumi_old-0.9.dist-info/":              "", // no file: taken for a provider
		"azml/pulumi-plugin.json":                `{"resource": false}`,
		"pulumi/__init__.py":                     "",
		"pulumi-3.272.0.dist-info/":              "",
		"acme/pulumi-plugin.json":                `{"resource": true, "server": "https://example.com"}`,
		"six.py":                                 "",
		"base/pulumi-plugin.json":                `{"resource": true, "version": "1.0.0", "parameterization": {"name": "p", "version": "2.0.0", "value": "aGk="}}`,
		"pulumi_twice/pulumi-plugin.json":        `{"resource": true, "version": "1.0.0"}`,
		"requests-2.34.2.dist-info/":             "",
	})
	second := tree(t, map[string]string{"pulumi_twice/pulumi-plugin.json": `{"resource": true, "version": "2.0.0"}`})
	found, err := providers([]string{first, second, filepath.Join(first, "missing"), filepath.Join(first, "six.py")})
	if err != nil {
		t.Fatal(err)
	}
	var got [][3]string
	for _, dependency := range found {
		got = append(got, [3]string{dependency.Name, dependency.Version, dependency.Server})
		if dependency.Kind != "resource" {
			t.Errorf("%s is of kind %s", dependency.Name, dependency.Kind)
		}
		if dependency.Name == "base" && string(dependency.Parameterization.Value) != "hi" {
			t.Errorf("parameterization of base: %v", dependency.Parameterization)
		}
	}
	want := [][3]string{
		{"acme", "", "https://example.com"},
		{"azure-native", "3.29.0", ""},
		{"base", "1.0.0", ""},
		{"old", "0.9.0", ""},
		{"random", "4.16.0-alpha.5", ""},
		{"twice", "1.0.0", ""},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestADamagedPluginFileIsNamed(t *testing.T) {
	root := tree(t, map[string]string{"acme/pulumi-plugin.json": `{`})
	_, err := providers([]string{root})
	if err == nil || !contains(err.Error(), filepath.Join(root, "acme", "pulumi-plugin.json")) {
		t.Fatalf("got %v", err)
	}
}
