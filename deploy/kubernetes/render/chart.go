package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// chart is a folder as Helm knows it.
type chart struct {
	name      string
	meta      map[string]interface{} // Chart.yaml with its keys as templates see them.
	defaults  map[string]interface{}
	templates map[string]string // By name, "lb/templates/worker.yaml".
}

func readYaml(path string) (map[string]interface{}, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values := map[string]interface{}{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

func loadChart(folder string) (*chart, error) {
	meta, err := readYaml(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	name, _ := meta["name"].(string)
	if name == "" {
		return nil, fmt.Errorf("%s/Chart.yaml: no name", folder)
	}
	c := &chart{name: name, meta: map[string]interface{}{}, templates: map[string]string{}}
	for key, value := range meta { // "appVersion" is .Chart.AppVersion.
		c.meta[strings.ToUpper(key[:1])+key[1:]] = value
	}
	if c.defaults, err = readYaml(filepath.Join(folder, "values.yaml")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		c.templates[name+"/templates/"+filepath.Base(file)] = string(text)
	}
	return c, nil
}

// merge puts `over` into `base`, map by map; null takes a key away.
func merge(base, over map[string]interface{}) {
	for key, value := range over {
		if value == nil {
			delete(base, key)
			continue
		}
		above, isMap := value.(map[string]interface{})
		below, wasMap := base[key].(map[string]interface{})
		if isMap && wasMap {
			merge(below, above)
		} else {
			base[key] = value
		}
	}
}

// setMap is {a: {b: YAML}} of "a.b=YAML".
func setMap(set string) (map[string]interface{}, error) {
	path, text, found := strings.Cut(set, "=")
	if !found {
		return nil, fmt.Errorf("--set %s: use KEY=VALUE", set)
	}
	var value interface{}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("--set %s: %w", set, err)
	}
	keys := strings.Split(path, ".")
	for i := len(keys) - 1; i > 0; i-- {
		value = map[string]interface{}{keys[i]: value}
	}
	return map[string]interface{}{keys[0]: value}, nil
}

func (c *chart) valuesWith(files, sets []string) (map[string]interface{}, error) {
	values := c.defaults
	for _, file := range files {
		over, err := readYaml(file)
		if err != nil {
			return nil, err
		}
		merge(values, over)
	}
	for _, set := range sets {
		over, err := setMap(set)
		if err != nil {
			return nil, err
		}
		merge(values, over)
	}
	return values, nil
}

// names of the templates in the order of the alphabet.
func (c *chart) names() []string {
	var all []string
	for name := range c.templates {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
