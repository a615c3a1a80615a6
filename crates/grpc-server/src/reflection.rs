use tonic::service::Routes;
use tonic_reflection::server::Builder;

/// Why reflection could not be set up: a descriptor set does not decode. That is a fault of the build, not of
/// input.
#[derive(Debug, thiserror::Error)]
#[error("a descriptor set cannot be served by reflection: {0}")]
pub struct ReflectionError(#[from] tonic_reflection::server::Error);

/// Adds `grpc.reflection.v1` and `v1alpha` (grpcurl before 1.8.7 knows only that) to `routes`.
///
/// `descriptor_sets` are encoded `FileDescriptorSet`s, with source info so that comments show. Those of
/// health and of the error details come along, so that clients can print `grpc-status-details-bin`.
///
/// # Errors
/// [`ReflectionError`] when a set does not decode.
pub fn add_reflection(routes: Routes, descriptor_sets: &[&[u8]]) -> Result<Routes, ReflectionError> {
    let v1 = configured(descriptor_sets).build_v1()?;
    let v1alpha = configured(descriptor_sets).build_v1alpha()?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}

fn configured<'a>(descriptor_sets: &[&'a [u8]]) -> Builder<'a> {
    descriptor_sets
        .iter()
        .fold(Builder::configure(), |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        })
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
