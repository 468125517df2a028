// render prints what Helm would make of a chart without charts in it, from Debian's Go packages
// alone: values.yaml with -f files and --set over it, templates with sprig's functions and Helm's
// own. It asks no cluster: there is no lookup, and .Capabilities are those of --kube-version.
//
//	render [-f VALUES]... [--set a.b=YAML]... [--notes | --values] CHART
//
// Exit code 1, with the reason on standard error, where Helm would refuse.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

type options struct {
	chart, release, namespace, kubeVersion string
	files, sets                            list
	notes, values                          bool
}

func parse() options {
	var o options
	flag.StringVar(&o.release, "release", "lb", "name of the release")
	flag.StringVar(&o.namespace, "namespace", "lb-system", "namespace of the release")
	flag.StringVar(&o.kubeVersion, "kube-version", "v1.30.0", "version of Kubernetes")
	flag.Var(&o.files, "f", "file of values; repeatable, later ones win")
	flag.Var(&o.sets, "set", "a.b=YAML; repeatable, wins over files")
	flag.BoolVar(&o.notes, "notes", false, "print NOTES.txt and not the objects")
	flag.BoolVar(&o.values, "values", false, "print the values in force and not the objects")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	o.chart = flag.Arg(0)
	return o
}

func run(o options) (string, error) {
	c, err := loadChart(o.chart)
	if err != nil {
		return "", err
	}
	values, err := c.valuesWith(o.files, o.sets)
	if err != nil {
		return "", err
	}
	if o.values {
		return toYaml(values), nil
	}
	return c.render(o, values)
}

func main() {
	out, err := run(parse())
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
	fmt.Println(out)
}
