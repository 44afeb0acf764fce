swift sft \
    --model Qwen/Qwen3-4B-Instruct-2507 --use_hf true \
    --dataset train.jsonl \
    --tuner_type lora --target_modules all-linear \
    --lora_rank 16 --lora_alpha 32 --lora_dropout 0 \
    --torch_dtype bfloat16 --max_length 2048 \
    --per_device_train_batch_size 2 --gradient_accumulation_steps 8 \
    --learning_rate 2e-4 --lr_scheduler_type cosine --warmup_ratio 0.05 \
    --num_train_epochs 1 --seed 42 --output_dir out/swift
