import PKI

/// The certificates that a server makes for its components and its own node.
public enum Leaf: CaseIterable, Sendable {
    case admin
    case supervisor
    case controllerManager
    case scheduler
    case cloudController
    /// The API server as a client of kubelets.
    case apiServerClient
    /// For agents that still ask for a shared pair.
    case kubeProxy
    case agentController
    case apiServer
    case controllerManagerServing
    case schedulerServing
    /// The API server as a client of aggregated API servers.
    case authProxy
    case etcdClient
    case etcdServer
    case etcdPeer

    case nodeKubelet
    case nodeKubeletServing
    case nodeKubeProxy
    case nodeAgentController

    /// Below `tls/`, or below `agent/` for those of the node; without its ending.
    var file: String {
        switch self {
        case .admin: "client-admin"
        case .supervisor: "client-supervisor"
        case .controllerManager: "client-controller"
        case .scheduler: "client-scheduler"
        case .cloudController: "client-k3s-cloud-controller"
        case .apiServerClient: "client-kube-apiserver"
        case .kubeProxy, .nodeKubeProxy: "client-kube-proxy"
        case .agentController, .nodeAgentController: "client-k3s-controller"
        case .apiServer: "serving-kube-apiserver"
        case .controllerManagerServing: "kube-controller-manager/kube-controller-manager"
        case .schedulerServing: "kube-scheduler/kube-scheduler"
        case .authProxy: "client-auth-proxy"
        case .etcdClient: "etcd/client"
        case .etcdServer: "etcd/server-client"
        case .etcdPeer: "etcd/peer-server-client"
        case .nodeKubelet: "client-kubelet"
        case .nodeKubeletServing: "serving-kubelet"
        }
    }

    /// Whether it belongs to the node that the server runs on.
    var isOnAgent: Bool {
        switch self {
        case .nodeKubelet, .nodeKubeletServing, .nodeKubeProxy, .nodeAgentController: true
        default: false
        }
    }

    /// Who signs it.
    var authority: Authority {
        switch self {
        case .apiServer, .controllerManagerServing, .schedulerServing, .nodeKubeletServing: .server
        case .authProxy: .requestHeader
        case .etcdClient, .etcdServer: .etcdServer
        case .etcdPeer: .etcdPeer
        default: .client
        }
    }

    /// Whom it names.
    func subject(nodeName: String) -> DistinguishedName {
        func name(_ commonName: String, _ organizations: String...) -> DistinguishedName {
            DistinguishedName(commonName: commonName, organizations: organizations)
        }
        return switch self {
        case .admin: name("system:admin", "system:masters")
        case .supervisor: name("system:k3s-supervisor", "system:masters")
        case .controllerManager: name("system:kube-controller-manager")
        case .scheduler: name("system:kube-scheduler")
        case .cloudController: name("k3s-cloud-controller-manager")
        case .apiServerClient: name("system:apiserver", "system:masters")
        case .kubeProxy, .nodeKubeProxy: name("system:kube-proxy")
        case .agentController, .nodeAgentController: name("system:k3s-controller")
        case .apiServer: name("kube-apiserver")
        case .controllerManagerServing: name("kube-controller-manager")
        case .schedulerServing: name("kube-scheduler")
        case .authProxy: name("system:auth-proxy")
        case .etcdClient: name("etcd-client")
        case .etcdServer: name("etcd-server")
        case .etcdPeer: name("etcd-peer")
        case .nodeKubelet: name("system:node:" + nodeName, "system:nodes")
        case .nodeKubeletServing: name(nodeName)
        }
    }

    /// What it may be used for.
    var usages: [ExtendedKeyUsage] {
        switch self {
        case .apiServer, .controllerManagerServing, .schedulerServing, .nodeKubeletServing: [.serverAuth]
        case .etcdServer, .etcdPeer: [.serverAuth, .clientAuth]
        default: [.clientAuth]
        }
    }
}
