#!/bin/sh
# Creates the namespace and our search attributes; may run again at any time.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done
temporal operator namespace describe -n default >/dev/null 2>&1 || temporal operator namespace create -n default --retention 720h
for attribute in PerennialPipeline PerennialStage PerennialTrigger PerennialVerdict PerennialSnapshot; do
  temporal operator search-attribute create -n default --name "$attribute" --type Keyword 2>/dev/null || true
done
