import API
import APIMachinery
import APIServer
import Client
import Support
import Testing
import Wire

/// The figures that people's alerts are written for, by their names and labels.
@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let all: [Value] = [
        ["apiGroups": [""], "resources": ["configmaps", "endpoints"], "verbs": ["*"]], ["nonResourceURLs": ["*"], "verbs": ["*"]],
    ]

    private static func labels(_ verb: String, _ scope: String, _ before: String = "", dryRun: String = "") -> String {
        "{\(before)component=\"apiserver\",dry_run=\"\(dryRun)\",group=\"\",resource=\"configmaps\",scope=\"\(scope)\","
            + "subresource=\"\",verb=\"\(verb)\",version=\"v1\"}"
    }

    private static func sizes(_ part: String, _ verb: String, _ scope: String, _ more: String) -> String {
        "apiserver_response_sizes\(part){component=\"apiserver\",group=\"\",resource=\"configmaps\",scope=\"\(scope)\","
            + "subresource=\"\",verb=\"\(verb)\",version=\"v1\"\(more)}"
    }

    @Test func `requests are counted under the names and labels of Kubernetes`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("user", rules: Self.all)
            let object: Value = ["metadata": ["name": "a"]]
            _ = try await api.ask(.post, Self.maps, token: token, body: object)
            _ = try await api.ask(.post, Self.maps + "?dryRun=All", token: token, body: ["metadata": ["name": "b"]])
            _ = try await api.ask(.get, Self.maps + "/a", token: token)
            _ = try await api.ask(.get, Self.maps + "/none", token: token)
            _ = try await api.ask(.get, Self.maps, token: token)
            _ = try await api.ask(.get, "/api/v1/configmaps", token: token)
            _ = try await api.ask(.put, Self.maps + "/a", token: token, body: object)
            _ = try await api.ask(
                .patch, Self.maps + "/a", token: token, headers: ["Content-Type": "application/merge-patch+json"], body: [:])
            _ = try await api.ask(.get, Self.maps + "?watch=true&timeoutSeconds=1", token: token)
            _ = try await api.ask(.delete, Self.maps + "/a", token: token)
            _ = try await api.ask(.get, "/api/v1/namespaces/default/made-up", token: token)
            _ = try await api.ask(.get, Self.maps, token: "wrong")
            _ = try await api.ask(.get, "/api/v1/endpoints", token: token)
            _ = try await api.ask(.get, "/api/v1/secrets", token: token)
            let watch = try await api.send(.get, Self.maps + "?watch=true&timeoutSeconds=50", token: token)
            let text = try await api.ask(.get, "/metrics", token: token).text
            _ = watch
            let lines = Set(text.split(separator: "\n").map(String.init))
            let size = lines.filter { $0.hasPrefix("apiserver_storage_size_bytes{storage_cluster_id=\"etcd-0\"} ") }
            #expect(size.count == 1)
            func total(_ verb: String, _ scope: String, _ code: Int, dryRun: String = "") -> String {
                "apiserver_request_total" + Self.labels(verb, scope, "code=\"\(code)\",", dryRun: dryRun) + " 1"
            }
            for line in [
                total("POST", "resource", 201), total("POST", "resource", 201, dryRun: "All"),
                total("GET", "resource", 200), total("GET", "resource", 404), total("LIST", "namespace", 200),
                total("LIST", "cluster", 200), total("PUT", "resource", 200), total("PATCH", "resource", 200),
                total("WATCH", "namespace", 200), total("DELETE", "resource", 200),
                "apiserver_request_duration_seconds_count" + Self.labels("LIST", "cluster") + " 1",
                "apiserver_request_sli_duration_seconds_count" + Self.labels("LIST", "cluster") + " 1",
                "apiserver_longrunning_requests" + Self.labels("WATCH", "namespace") + " 1",
                "apiserver_current_inflight_requests{request_kind=\"mutating\"} 0",
                "apiserver_storage_objects{resource=\"configmaps\"} 2",
                "apiserver_resource_objects{group=\"\",resource=\"configmaps\"} 2",
                "authentication_attempts{result=\"error\"} 1", "authentication_attempts{result=\"failure\"} 0",
                "authentication_duration_seconds_count{result=\"error\"} 1",
                "authentication_duration_seconds_bucket{result=\"error\",le=\"16.384\"} 1",
                "authorization_duration_seconds_count{result=\"no-opinion\"} 2",
                "authorization_attempts_total{result=\"no-opinion\"} 2",
                "apiserver_audit_event_total 0", "apiserver_audit_requests_rejected_total 0",
                "apiserver_tls_handshake_errors_total 0",
                Self.sizes("_count", "LIST", "cluster", "") + " 1",
                Self.sizes("_bucket", "LIST", "cluster", ",le=\"1000000000\"") + " 1",
                "apiserver_flowcontrol_nominal_limit_seats{priority_level=\"workload-low\"} 245",
                "apiserver_client_certificate_expiration_seconds_count 0",
                "etcd_request_duration_seconds_count{operation=\"delete\",type=\"configmaps\"} 1",
                "apiserver_requested_deprecated_apis"
                    + "{group=\"\",removed_release=\"\",resource=\"endpoints\",subresource=\"\",version=\"v1\"} 1",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
            for name in [
                "apiserver_request_terminations_total", "apiserver_admission_webhook_rejection_count",
                "apiserver_admission_webhook_admission_duration_seconds", "authenticated_user_requests",
                "apiserver_flowcontrol_rejected_requests_total", "apiserver_watch_events_total",
            ] {
                #expect(text.contains("# TYPE \(name) "), "\(name)")
            }
            for start in [
                "apiserver_admission_controller_admission_duration_seconds_count{name=\"ResourceQuota\",operation=\"CREATE\"",
                "apiserver_admission_step_admission_duration_seconds_count"
                    + "{operation=\"UPDATE\",rejected=\"false\",type=\"validate\"}",
                "rest_client_requests_total{code=\"201\",host=\"in-process\",method=\"POST\"}",
                "kubernetes_build_info{",
            ] {
                #expect(text.contains("\n" + start), "\(start)")
            }
            #expect(text.contains("le=\"0.1\"") && text.contains("le=\"1\"") && text.contains("le=\"5\"") && text.contains("le=\"30\""))
            #expect(!text.contains("made-up"), "what is made up is not counted")
        }
    }

    @Test func `no series is there twice, also of kinds that are served in several versions`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("user", rules: Self.all)
            let text = try await api.ask(.get, "/metrics", token: token).text
            let series = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
            }
            let twice = Dictionary(grouping: series) { $0 }.filter { $0.value.count > 1 }.keys.sorted()
            #expect(twice == [])
            #expect(series.contains(#"apiserver_storage_objects{resource="horizontalpodautoscalers.autoscaling"}"#))
        }
    }

    @Test func `the bytes of answers and events are counted as they go out`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("user", rules: Self.all)
            let long = String(repeating: "x", count: 5_000)
            _ = try await api.ask(.post, Self.maps, token: token, body: ["metadata": ["name": "a"], "data": ["k": .string(long)]])
            _ = try await api.ask(.post, Self.maps, token: token, body: ["metadata": ["name": "b"]])
            let answer = try await api.ask(.get, Self.maps + "/a", token: token).text
            _ = try await api.ask(.get, Self.maps + "/a?dryRun=All", token: token)
            let events = try await api.ask(.get, Self.maps + "?watch=true&timeoutSeconds=1", token: token).text
            let lines = Set(try await api.ask(.get, "/metrics", token: token).text.split(separator: "\n").map(String.init))
            let labels = "{group=\"\",kind=\"ConfigMap\",resource=\"configmaps\",version=\"v1\""
            let count = events.split(separator: "\n").count
            #expect(count > 1)
            for line in [
                Self.sizes("_sum", "GET", "resource", "") + " \(2 * answer.utf8.count)",
                Self.sizes("_bucket", "GET", "resource", ",le=\"1000\"") + " 0",
                Self.sizes("_bucket", "GET", "resource", ",le=\"10000\"") + " 2",
                "apiserver_watch_events_total\(labels)} \(count)",
                "apiserver_watch_events_sizes_sum\(labels)} \(events.utf8.count)",
                "apiserver_watch_events_sizes_bucket\(labels),le=\"4096\"} \(count - 1)",
                "apiserver_watch_events_sizes_bucket\(labels),le=\"131072\"} \(count)",
            ] {
                #expect(lines.contains(line), "\(line)")
            }
        }
    }

    @Test func `a watch that its client ends counts as what it was answered with`() async throws {
        try await TestAPI.run { api in
            let token = try await api.token("user", rules: Self.all)
            // Whoever drops the answer hangs up.
            #expect(try await api.send(.get, Self.maps + "?watch=true", token: token).status.code == 200)
            let line = "apiserver_request_total" + Self.labels("WATCH", "namespace", "code=\"200\",") + " 1"
            while true {
                let text = try await api.ask(.get, "/metrics", token: token).text
                #expect(!text.contains("code=\"0\""))
                if text.contains(line) { break }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    @Test func `what the server ends to save itself is counted apart`() async throws {
        try await TestAPI.run {
            $0.requestTimeout = .seconds(1)
        } _: { api in
            let token = try await api.token("user", rules: Self.all)
            let (body, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            continuation.yield([UInt8(ascii: "{")])
            #expect(try await api.stream(.post, Self.maps, token: token, body: body).status.code == 504)
            continuation.finish()
            let text = try await api.ask(.get, "/metrics", token: token).text
            #expect(text.contains("apiserver_request_terminations_total" + Self.labels("POST", "resource", "code=\"504\",") + " 1"))
        }
    }
}
