public import APIMachinery

/// By what a job knows its pods, unless its author says so: its own name and uid (KEP-0; the API server makes it).
public enum JobIdentity {
    /// The labels of a job's pods: with the prefix of Kubernetes, and as older programs know them.
    public static func labels(name: String, uid: String) -> Value {
        [
            "batch.kubernetes.io/controller-uid": .string(uid), "batch.kubernetes.io/job-name": .string(name),
            "controller-uid": .string(uid), "job-name": .string(name),
        ]
    }

    /// Gives a new job its selector and its template the labels. A selector that is made by hand stays.
    public static func complete(_ job: inout Value) {
        guard job.at("spec", "manualSelector")?.bool != true else { return }
        let (name, uid) = (job.at("metadata", "name").text, job.at("metadata", "uid").text)
        let path = ["spec", "template", "metadata", "labels"]
        var labels = job[path: path] ?? .emptyObject
        for (key, value) in Self.labels(name: name, uid: uid).fields ?? Fields() where labels[key] == nil {
            labels[key] = value
        }
        job[path: path] = labels
        // A job without labels has those of its pods, as its defaults say; they were not all there then.
        if !job.at("metadata", "labels").isFilled { job[path: ["metadata", "labels"]] = labels }
        if job.at("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid") == nil {
            job[path: ["spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"]] = .string(uid)
        }
    }
}
