# Snakemake's output as one progress line per job started; errors stay whole. Logs of the jobs are files.
/^Job [0-9]+: / { sub(/^Job [0-9]+: /, ""); printf "[%s] %s\n", done ? done : "0%", $0; fflush(); next }
/ of [0-9]+ steps .* done$/ { done = $1 "/" $3; next }
/[Ee]rror|Exception|^Nothing to be done|^ +\(whole log/ && !/^CalledProcessError|^RuleException|^Command / { print; fflush() }
