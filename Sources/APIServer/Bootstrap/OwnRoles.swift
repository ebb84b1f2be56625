import APIMachinery

/// The bindings that this system has beyond those of Kubernetes.
enum OwnRoles {
    static let objects: [Value] = [
        // As k3s has it: the API server's client certificate of old may use every node's API.
        binding(
            "kube-apiserver-kubelet-admin", role: "system:kubelet-api-admin",
            subject: ["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "kube-apiserver"]),
        // One loop keeps both Endpoints and EndpointSlices.
        binding(
            "k3s:endpoint-controller", role: "system:controller:endpointslice-controller",
            subject: ["kind": "ServiceAccount", "name": "endpoint-controller", "namespace": "kube-system"]),
        // What the cluster's DNS reads, under the names of k3s' own.
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": ["name": "system:coredns", "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "rules": [
                [
                    "apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces", "nodes"],
                    "verbs": ["list", "watch"],
                ],
                ["apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]],
            ],
        ],
        // The service proxy leads host ports to pods, which is a network plugin's work elsewhere.
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": ["name": "k3s:host-ports", "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]]],
        ],
        binding(
            "k3s:host-ports", role: "k3s:host-ports",
            subject: ["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:kube-proxy"]),
        // Who may look at pods may see what they use; the role and its name are those of metrics-server.
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": [
                "name": "system:aggregated-metrics-reader",
                "labels": .object(
                    Fields(["admin", "edit", "view"].map { ("rbac.authorization.k8s.io/aggregate-to-" + $0, "true") })),
            ],
            "rules": [
                ["apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]]
            ],
        ],
        binding(
            "system:coredns", role: "system:coredns",
            subject: ["kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"]),
    ]

    private static func binding(_ name: String, role: String, subject: Value) -> Value {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": [
                "name": .string(name), "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "true"],
            ],
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role),
            ],
            "subjects": [subject],
        ]
    }
}
