package main

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// A template that includes itself ends here and not with the stack.
const maxIncludes = 1000

func toYaml(value interface{}) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		panic(err) // Values come from YAML; text/template makes an error of it.
	}
	return strings.TrimSuffix(string(text), "\n")
}

func fromYaml(text string) (map[string]interface{}, error) {
	value := map[string]interface{}{}
	return value, yaml.Unmarshal([]byte(text), &value)
}

func required(message string, value interface{}) (interface{}, error) {
	if text, isText := value.(string); value == nil || (isText && text == "") {
		return nil, errors.New(message)
	}
	return value, nil
}

func fail(message string) (string, error) { return "", errors.New(message) }

// functions are sprig's without those that look around on the machine, and Helm's.
func functions(all *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	delete(funcs, "env")
	delete(funcs, "expandenv")
	depth := 0
	include := func(name string, data interface{}) (string, error) {
		if depth++; depth > maxIncludes {
			return "", fmt.Errorf("include %s: deeper than %d", name, maxIncludes)
		}
		defer func() { depth-- }()
		var out strings.Builder
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	tpl := func(text string, data interface{}) (string, error) {
		copied, err := all.Clone()
		if err != nil {
			return "", err
		}
		parsed, err := copied.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = parsed.Execute(&out, data)
		return out.String(), err
	}
	helm := template.FuncMap{"include": include, "tpl": tpl, "toYaml": toYaml, "fromYaml": fromYaml,
		"required": required, "fail": fail}
	for name, function := range helm {
		funcs[name] = function
	}
	return funcs
}

func (c *chart) render(o options, values map[string]interface{}) (string, error) {
	all := template.New(c.name).Option("missingkey=zero")
	all.Funcs(functions(all))
	for _, name := range c.names() {
		if _, err := all.New(name).Parse(c.templates[name]); err != nil {
			return "", err
		}
	}
	data := map[string]interface{}{
		"Values":  values,
		"Chart":   c.meta,
		"Release": map[string]interface{}{"Name": o.release, "Namespace": o.namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Capabilities": map[string]interface{}{
			"KubeVersion": map[string]interface{}{"Version": o.kubeVersion, "GitVersion": o.kubeVersion}},
	}
	var out []string
	for _, name := range c.names() {
		isNotes := path.Base(name) == "NOTES.txt"
		if strings.HasPrefix(path.Base(name), "_") || isNotes != o.notes && isNotes {
			continue
		}
		data["Template"] = map[string]interface{}{"Name": name, "BasePath": c.name + "/templates"}
		var text strings.Builder
		if err := all.ExecuteTemplate(&text, name, data); err != nil {
			return "", err
		}
		// Also with --notes the others are rendered: one that fails is no installation.
		if isNotes == o.notes && strings.TrimSpace(text.String()) != "" {
			out = append(out, fmt.Sprintf("%s%s", source(o, name), strings.TrimSpace(text.String())))
		}
	}
	return strings.Join(out, "\n"), nil
}

// source is the comment above what came from a template.
func source(o options, name string) string {
	if o.notes {
		return ""
	}
	return "---\n# Source: " + name + "\n"
}
