import API
import APIMachinery
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
    func sendMetrics(_ exchange: HTTPExchange) {
        send(Array(NodeMetrics.text(pods.pods(), nodeName: nodeName).utf8), exchange)
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
}
