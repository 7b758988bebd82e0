//! What checking a signature needs of an algorithm.

use crate::model::SigningAlgorithm;

/// What a key must be for an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Ed25519,
    P256,
    P384,
    Rsa,
}

/// The kind of key it needs.
pub(super) const fn family(algorithm: SigningAlgorithm) -> Family {
    match algorithm {
        SigningAlgorithm::EdDsa => Family::Ed25519,
        SigningAlgorithm::Es256 => Family::P256,
        SigningAlgorithm::Es384 => Family::P384,
        SigningAlgorithm::Rs256
        | SigningAlgorithm::Rs384
        | SigningAlgorithm::Rs512
        | SigningAlgorithm::Ps256
        | SigningAlgorithm::Ps384
        | SigningAlgorithm::Ps512 => Family::Rsa,
    }
}

/// What the library calls it.
pub(super) const fn library(algorithm: SigningAlgorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        SigningAlgorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        SigningAlgorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        SigningAlgorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        SigningAlgorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        SigningAlgorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
        SigningAlgorithm::Rs512 => jsonwebtoken::Algorithm::RS512,
        SigningAlgorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        SigningAlgorithm::Ps384 => jsonwebtoken::Algorithm::PS384,
        SigningAlgorithm::Ps512 => jsonwebtoken::Algorithm::PS512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_no_algorithm_has_a_shared_secret() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.as_str()), Some(algorithm));
            assert_eq!(SigningAlgorithm::parse(&algorithm.as_str().to_lowercase()), None);
            assert_eq!(format!("{:?}", library(algorithm)), algorithm.as_str());
        }
        for bad in ["none", "None", "HS256", "HS384", "HS512", "ES512", "ES256K", "dir", ""] {
            assert_eq!(SigningAlgorithm::parse(bad), None, "{bad}");
        }
    }
}
