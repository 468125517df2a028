"""The benchmark's driver: which balancer meets which load, in what order, and the report.

    main       options, the order of the runs, the files that are written
    programs   what has to be built or installed
    scenarios  the loads
    balancers  how each balancer is configured and started, a file each
    tls_files  the certificates of a run
    room       one run, in a process and a network namespace of its own
    figures    from what a run counted to figures per unit of work
    summary    from figures of all runs to medians and ratios
    tables     the report as Markdown
    chart      the ratios as SVG

Only Debian's Python and its standard library are needed; processes, namespaces and waiting are
those of tests/e2e/harness.
"""
