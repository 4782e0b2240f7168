// Emits the metrics of a model that is watched by no Python: explicit and exponential histograms,
// and sums. Usage: node emit.mjs http/json|http/protobuf|grpc ENDPOINT delta|cumulative

import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { OTLPMetricExporter as GrpcExporter } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";

const [protocol, endpoint, temporality] = process.argv.slice(2);
const temporalityPreference =
  temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
const exporter = {
  "http/json": () => new JsonExporter({ url: `${endpoint}/v1/metrics`, temporalityPreference }),
  "http/protobuf": () =>
    new ProtobufExporter({ url: `${endpoint}/v1/metrics`, temporalityPreference }),
  grpc: () => new GrpcExporter({ url: endpoint, temporalityPreference }),
}[protocol]();

const provider = new MeterProvider({
  resource: resourceFromAttributes({ "service.instance.id": "node" }),
  readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  views: [
    {
      instrumentName: "modelwatch.feature.value",
      meterName: "explicit",
      aggregation: {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: { boundaries: [0, 10, 20, 30] },
      },
    },
    {
      instrumentName: "modelwatch.feature.value",
      meterName: "exponential",
      aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
    },
  ],
});

const owner = { "modelwatch.model.name": "node", "modelwatch.model.version": "1" };
const feature = (name) => ({
  ...owner,
  "modelwatch.feature.name": name,
  "modelwatch.feature.role": "input",
});
const meter = provider.getMeter("sums");
const rows = meter.createCounter("modelwatch.rows.captured");
const categories = meter.createCounter("modelwatch.feature.categories");
const explicit = provider.getMeter("explicit").createHistogram("modelwatch.feature.value");
const exponential = provider.getMeter("exponential").createHistogram("modelwatch.feature.value");

for (const count of [12, 30]) {
  for (let number = 0; number < count; number += 1) {
    rows.add(1, owner);
    explicit.record(number, feature("age"));
    exponential.record((number + 0.5) ** count, feature("income"));
    categories.add(1, { ...feature("country"), "modelwatch.feature.category": "DE" });
  }
  await provider.forceFlush();
}
await provider.shutdown();
