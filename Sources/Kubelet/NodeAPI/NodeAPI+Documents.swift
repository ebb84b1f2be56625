import API
import APIMachinery
import Host
import Runtime
import Support
import Wire

extension NodeAPI {
    /// `/pods`: the pods of this node with the freshest status, as a `PodList`.
    func sendPods(_ exchange: HTTPExchange) {
        let list: Value = [
            "apiVersion": "v1", "kind": "PodList", "metadata": .emptyObject, "items": .array(pods.pods().map(\.value)),
        ]
        exchange.respond(.ok, ["Content-Type": "application/json"], list.json)
    }

    /// `/metrics`, in the text form of Prometheus.
    func sendMetrics(_ exchange: HTTPExchange) async {
        let pods = Array(NodeMetrics.text(pods.pods(), nodeName: nodeName).utf8)
        let volumes = NodeMetrics.volumes(await volumes?.volumeUsages() ?? [:])
        var process = MetricText()
        ProcessMetrics.write(to: &process)
        send(pods + volumes + (figures?.shutdown ?? []) + process.bytes, exchange)
    }

    /// Metrics in that form.
    func send(_ metrics: [UInt8], _ exchange: HTTPExchange) {
        exchange.respond(.ok, ["Content-Type": MetricText.contentType], metrics)
    }
}

/// The kubelet's metrics that the pods themselves tell. Pure.
enum NodeMetrics {
    static func text(_ pods: [Pod], nodeName: String) -> String {
        var states = ["created": 0, "exited": 0, "running": 0, "unknown": 0]
        for pod in pods {
            for status in pod.status.containerStatuses + pod.status.initContainerStatuses {
                if status.state.running != nil {
                    states["running", default: 0] += 1
                } else if status.state.terminated != nil {
                    states["exited", default: 0] += 1
                } else {
                    states["created", default: 0] += 1
                }
            }
        }
        var lines = [
            "# HELP kubelet_node_name The node's name. The count is always 1.",
            "# TYPE kubelet_node_name gauge",
            "kubelet_node_name{node=\"\(nodeName)\"} 1",
            "# HELP kubelet_running_containers Number of containers, by state.",
            "# TYPE kubelet_running_containers gauge",
        ]
        for (state, count) in states.sorted(by: { $0.key < $1.key }) {
            lines.append("kubelet_running_containers{container_state=\"\(state)\"} \(count)")
        }
        lines += [
            "# HELP kubelet_running_pods Number of pods that run.",
            "# TYPE kubelet_running_pods gauge",
            "kubelet_running_pods \(pods.count { $0.status.phase == "Running" })",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// How full the volumes of claims are.
    static func volumes(_ usages: [String: [VolumeUsage]]) -> [UInt8] {
        var samples: [String: [String: Double]] = [:]
        var names: [String: ObjectName] = [:]
        for usage in usages.values.joined() {
            guard let claim = usage.claim else { continue }
            names[claim.description] = claim
            for amount in usage.usage {
                let figures: [(String, Int64)] =
                    switch amount.unit {
                    case .bytes:
                        [
                            ("available_bytes", amount.available), ("capacity_bytes", amount.total),
                            ("used_bytes", amount.used),
                        ]
                    case .inodes: [("inodes", amount.total), ("inodes_free", amount.available), ("inodes_used", amount.used)]
                    case .unknown: []
                    }
                for (name, value) in figures { samples[name, default: [:]][claim.description] = Double(max(value, 0)) }
            }
        }
        let helps = [
            "available_bytes": "Number of available bytes in the volume", "capacity_bytes": "Capacity in bytes of the volume",
            "used_bytes": "Number of used bytes in the volume", "inodes": "Maximum number of inodes in the volume",
            "inodes_free": "Number of free inodes in the volume", "inodes_used": "Number of used inodes in the volume",
        ]
        var text = MetricText()
        for (name, values) in samples.sorted(by: { $0.key < $1.key }) {
            let metric = "kubelet_volume_stats_" + name
            text.begin(metric, .gauge, "[ALPHA] " + (helps[name] ?? ""))
            for (key, value) in values.sorted(by: { $0.key < $1.key }) {
                guard let claim = names[key] else { continue }
                text.sample(metric, [("namespace", claim.namespace), ("persistentvolumeclaim", claim.name)], value)
            }
        }
        return text.bytes
    }
}
